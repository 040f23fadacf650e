"""``/docs``: the API for people, and the page's own files."""
