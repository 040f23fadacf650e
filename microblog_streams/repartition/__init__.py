"""Repartitioning: a deployment moves to a new set of topics with more partitions, while it goes on serving."""
