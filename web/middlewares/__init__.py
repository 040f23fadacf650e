"""The middlewares that every request passes on its way to a view; ``stack`` puts them in order."""
