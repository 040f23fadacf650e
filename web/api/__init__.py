"""The REST API: one file of views for each noun, with the JSON that goes in and out."""
