"""An application that can import a graph and nothing else: it asks for PostgreSQL alone. Run with ``faust -A``."""

import faust

from microblog_streams.commands import import_graph
from microblog_streams.config.settings import load_settings

app = faust.App("test", broker="kafka://127.0.0.1:1", store="memory://")
import_graph.register(app, load_settings())
