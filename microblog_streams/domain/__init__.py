"""The domain: models, events, ids, topics and errors. Pure: no I/O, and no import of any other package."""
