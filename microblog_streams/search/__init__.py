"""Search: posts and users are found by what they say. A consumer of the events of its own fills the index."""
