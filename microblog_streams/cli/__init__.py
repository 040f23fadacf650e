"""The command line: ``microblog post "Hello"``. What people do, from a terminal or a script.

Each command is a few lines around the Python client (``microblog_streams.client``). Results go to stdout, as tables for
people, as plain lines into a pipe, or as JSON with ``--json``; everything else goes to stderr.
"""
