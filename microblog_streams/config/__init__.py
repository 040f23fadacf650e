"""Configuration: all settings in one model, and what settings are made of."""
