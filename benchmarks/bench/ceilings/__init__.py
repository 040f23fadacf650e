"""The most that a part can do without our code around it: each a process that prints one JSON object."""
