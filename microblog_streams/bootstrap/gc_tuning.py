"""Python's garbage collector, told that what a worker has after its start is there to stay.

A full collection looks at every object, and a worker has hundreds of thousands of them before the first request: each
stopped the event loop for some 80 ms, several times in a few seconds of load. What is frozen is not looked at again.
"""

import gc


def freeze() -> None:
    """Collect what the start left behind, and exempt what remains. To be called once, when the worker has started."""
    gc.collect()
    gc.freeze()
