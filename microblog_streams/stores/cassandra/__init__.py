"""Cassandra: the posts, and each author's index of them. The only code that speaks CQL."""
