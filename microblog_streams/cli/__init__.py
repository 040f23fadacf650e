"""The command line ``microblog``: the calls of the API for a terminal or a script.

Each command is a few lines around the Python client (``microblog_streams.client``). Results go to stdout: as tables in
a terminal, as tab-separated lines in a pipe, as JSON with ``--json``. Everything else goes to stderr.
"""
