"""The HTTP front: every URL in ``routes``, one file of thin views a noun, and what all of them share.

A view reads its parameters (``params``, ``bodies``, ``cursors``, ``once``), calls one operation and answers JSON
(``answers``). What goes wrong is raised, and becomes a problem document in one place (``problems``).
"""
