-- Users and who follows whom: the truth that every follower table and timeline is derived from.

CREATE TABLE users (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username   text        NOT NULL,
    -- What must be unique: casefold(NFKC(username)). NULL frees the name of a deleted user.
    name_key   text        UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- A deleted user's row stays: follow and delete meet on its lock.
    deleted_at timestamptz,
    CHECK ((name_key IS NULL) = (deleted_at IS NOT NULL))
);

-- An edge's row stays on unfollow, so that its versions go on. No foreign keys: users' rows are never removed,
-- and a transaction that writes an edge holds a lock on both of them.
CREATE TABLE follows (
    follower_id bigint      NOT NULL,
    followee_id bigint      NOT NULL,
    following   boolean     NOT NULL,
    version     bigint      NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (follower_id, followee_id),
    CHECK (follower_id <> followee_id)
);

-- Pages of followers, and the walk over all edges by followee. Not limited to rows with "following": the walk
-- needs all of them, and a change of that column then touches no index.
CREATE INDEX follows_by_followee ON follows (followee_id, follower_id);
