"""Pages for operators behind the admin token, and the metrics: ``/admin/`` and ``/metrics``."""
