"""``python -m benchmarks.search``: what search does with a million posts, and what it costs everything else."""
