-- What people show when they call: tokens, and the passwords that get new ones. Of neither is the thing itself here.

CREATE TABLE tokens (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint      NOT NULL,
    -- SHA-256. A token is 32 random bytes, so there is nothing to guess and no need of salt.
    hash         bytea       NOT NULL UNIQUE,
    name         text        NOT NULL,
    -- Given by registering: a repeated registration puts another one in its place.
    registered   boolean     NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);

CREATE INDEX tokens_by_user ON tokens (user_id, id);
-- From when on it was good for nothing; the sweep goes by it. (least() takes no notice of NULL.)
CREATE INDEX tokens_by_end ON tokens (least(expires_at, revoked_at));

-- Apart from users, so that no read of a user reads a hash.
CREATE TABLE passwords (
    user_id bigint PRIMARY KEY,
    -- argon2id, in the form that names its parameters and salt.
    hash    text   NOT NULL
);
