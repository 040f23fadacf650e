"""How many examples the tests of properties try: as many as each says, or a share of that in ``make test-fast``."""

import os

#: Examples that are tried of every 100.
PERCENT = int(os.environ.get("EXAMPLES_PERCENT", "100"))


def examples(usual: int) -> int:
    """Return how many to try where so many are usual; one at least."""
    return max(1, usual * PERCENT // 100)
