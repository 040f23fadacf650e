"""What people open in a browser: the page at ``/``, its files, and profiles and posts as plain HTML."""
