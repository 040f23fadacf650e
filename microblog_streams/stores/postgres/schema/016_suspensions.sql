-- Until a user is restored, they are not found, their tokens and password are not valid, and their posts are not shown.

ALTER TABLE users ADD COLUMN suspended_at timestamptz;
