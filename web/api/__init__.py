"""The REST API: one file of views for each noun, and the JSON of requests and responses (``schemas``)."""
