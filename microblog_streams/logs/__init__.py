"""Logs: one format for the lines of this code and of its libraries, on stderr, as JSON or for people.

Code logs with the standard library's loggers, as the libraries do, so that no layer depends on more than that::

    logger.warning("store_silent store=%s tries=%d", store, tries)

The first word is the event, and each ``name=%s`` a field: ``lines.split`` takes them apart. ``context`` adds the
request and the event in whose context the line was written. ``output`` has structlog render the result, ``repeats``
folds lines that repeat.

A line holds no text of a post, no name, no token and no client's address, unless ``MICROBLOG_LOG_PERSONAL`` asks for
them.
"""
