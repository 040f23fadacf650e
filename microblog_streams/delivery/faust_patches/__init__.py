"""Fixes of defects in Faust as released, made through its own extension points; one file for each part of Faust.

Each fix states its defect and the version that it is for, and has a test that fails without it: in
tests/component/delivery, tests/unit/tables, or with real workers in tests/system/workers. They reach inside Faust
and aiokafka, so a start on other versions is refused until the tests were run there.
"""

from importlib.metadata import version

import faust.streams

from microblog_streams.domain.errors import SetupError

#: The versions for which the fixes were written and tested.
TESTED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}


def check_versions() -> None:
    """Raise SetupError on versions that the fixes are not for, or without Faust's compiled streams.

    The pure-Python stream iterator acknowledges stale messages that it skips; the compiled one does not.
    """
    for package, tested in TESTED.items():
        if (found := version(package)) != tested:
            raise SetupError(
                f"{package} {found} is installed; the delivery fixes are tested with {tested} only: "
                f"pip install {package}=={tested}"
            )
    if getattr(faust.streams, "_CStreamIterator", None) is None:
        raise SetupError("Faust's compiled streams are missing: install faust-streaming from a binary wheel")
