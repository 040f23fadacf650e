"""HTTP: the REST API, its description, and the pages for operators. ``routes`` lists every URL.

A view validates its input (``http``), calls one operation and returns JSON (``api.schemas``). Errors are raised, and
become problem documents in one place (``http.problems``). Packages import one another in one direction: ``http``;
``middlewares`` and ``api``; ``server``, ``openapi`` and ``admin``; ``routes``.
"""
