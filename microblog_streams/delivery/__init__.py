"""Delivery: every event is applied at least once, and its offset is committed only after that.

``faust_patches`` fixes what loses events in Faust as released. ``deliver`` is the loop of every agent: effects run
concurrently, acknowledgements are made strictly in offset order, and nothing is given up. No other package reaches
into Faust's internals.
"""

from microblog_streams.delivery.processor_pool import deliver

__all__ = ["deliver"]
