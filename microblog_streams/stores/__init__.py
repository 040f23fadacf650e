"""The stores: the only code that speaks SQL, CQL or Redis commands. ``ports`` has their protocols."""
