"""Where the application is put together: the only package that imports all others."""
