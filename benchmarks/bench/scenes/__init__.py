"""What is measured, one file a thing: each has ``measure``, which sets its scene and returns rows."""
