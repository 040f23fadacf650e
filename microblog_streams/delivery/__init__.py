"""Delivery: Faust made safe in one place.

``upstream`` mends what loses events in Faust as released; ``deliver`` is the loop that every agent is written with:
effects side by side, acknowledgements strictly in order, nothing given up. Nothing else touches Faust's inside.
"""

from microblog_streams.delivery.loop import deliver

__all__ = ["deliver"]
