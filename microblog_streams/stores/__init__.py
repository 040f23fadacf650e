"""The stores: the only code that speaks SQL, CQL or Redis commands. One file a store; ``interfaces`` is what they promise."""
