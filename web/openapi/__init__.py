"""/openapi.json: the API's description in OpenAPI 3.1, for programs; and /docs, the page that shows it to people.

It is generated: paths come from ``web.routes``, shapes from ``web.api.schemas``, errors from ``web.http.problems``,
bounds of parameters from ``web.http.params``, texts from docstrings, and the rest from ``web.api.view.Endpoint``. The
files follow OpenAPI's own objects: document, operations, responses, components.
"""
