"""The tiny project of the tests of installing."""

from tests.system.installing.conftest import project

__all__ = ["project"]
