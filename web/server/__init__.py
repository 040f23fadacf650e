"""The web server: connections, their limits, and everything that is answered before there is a request.

As released, Faust serves with aiohttp's defaults. A connection may stay silent for an hour or send its first line one
byte a minute; a client may never read its answer; one address may open as many connections as the process has files;
and bytes that are not HTTP are logged with a traceback and quoted in a plain-text answer. Each keeps a worker busy at
almost no cost, and no middleware can prevent it, because middlewares run only once a request was read.

So each connection is a ``GuardedHandler``: aiohttp's handler with deadlines and counters. It is installed through the
factories that Faust and aiohttp have: ``GuardedWeb`` is Faust's driver with another runner, whose server creates these
handlers. Written for aiohttp 3.14, whose handler has no public hooks for this: tests/component/web/server fail where a
later version moved them.
"""
