"""The state of one worker (`/health`, `/ready`) and of the whole deployment (`/admin/`)."""
