"""The stores: the only code that speaks SQL, CQL or Redis commands. ``interfaces`` is what they promise."""
