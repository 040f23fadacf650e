"""The edge: what a worker does with connections before there is a request that a view could answer.

As released, Faust serves with aiohttp's defaults: a connection may say nothing for an hour, or send its first line a
byte a minute; a client may never read its answer; one address may open as many connections as the process has files;
and what is no HTTP is answered with a plain text that quotes it, and logged with a traceback. Each is a way to keep a
worker busy for next to nothing, and no middleware sees any of it: those are called when a request is there.

So each connection is a ``GuardedHandler`` here, aiohttp's own with deadlines and counts. It takes its place by the
chain that both have for it: ``GuardedWeb`` is Faust's driver with another runner, whose server makes these handlers.
Written for aiohttp 3.14, whose handler has no public hooks for this; tests/functional/web/edge fail where they moved.
"""
