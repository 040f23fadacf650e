"""/openapi.json: the API described for programs, in OpenAPI 3.1.

Nothing is written here that is said elsewhere: paths come from ``web.routes``, shapes from ``web.schemas``, errors
from ``web.problems``, rules of parameters from ``web.params``, words from docstrings, and what is left from
``web.described``. One file for each part of a description; ``document`` puts them together.
"""
