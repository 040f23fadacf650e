"""Configuration: all settings in one model, their types and their sources."""
