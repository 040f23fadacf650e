"""``/docs``: the API for people."""
