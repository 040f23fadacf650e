"""Moving a deployment to a topic set with more partitions, while it serves."""
