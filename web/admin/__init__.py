"""Pages and metrics for operators: ``/admin/`` and ``/metrics``, behind the admin token."""
