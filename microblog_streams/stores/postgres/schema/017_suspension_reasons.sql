-- Why a user is suspended, for the operators alone, and the list of those who are.

ALTER TABLE users ADD COLUMN suspension_reason text NOT NULL DEFAULT '';

CREATE INDEX users_suspended ON users (id) WHERE suspended_at IS NOT NULL;
