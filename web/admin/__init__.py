"""``/admin/``: pages and look-ups for whoever runs the workers, all of them behind the admin token."""
