"""All workers and all parts on one page: what ``/admin/`` shows.

Whoever looks at it often does so because something is away. So each part is asked by itself and for a bounded time, a
part that does not answer is named with its reason in ``away``, and the page is there within some two seconds.
"""
