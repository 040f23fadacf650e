"""/openapi.json: the API described for programs, in OpenAPI 3.1.

Nothing is written here that is said elsewhere: paths come from ``web.routes``, shapes from ``web.api.schemas``, errors
from ``web.http.problems``, rules of parameters from ``web.http.params``, words from docstrings, and what is left from
``web.api.endpoint``. One file for each part of a description; ``document`` puts them together.
"""
