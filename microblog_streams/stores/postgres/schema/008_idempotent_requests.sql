-- Idempotency-Keys of every POST, kept for a day. "author" is who calls: the author of a post, the follower, 0 for a
-- registration. It keeps its name, and every new column has a default, because workers of the version before
-- write rows too while a cluster is rolled.

ALTER TABLE idempotency
    ALTER COLUMN post_id DROP NOT NULL,
    -- Whether the request was done. One that is not done is done (again) when it comes again, with the same post id.
    ADD COLUMN done boolean NOT NULL DEFAULT false,
    -- Who was registered. Nothing of an answer is stored beside it, above all no token: a retry gets a new one.
    ADD COLUMN user_id bigint,
    -- From then on the key counts as new, whether or not the row was swept.
    ADD COLUMN expires_at timestamptz NOT NULL DEFAULT now() + interval '24 hours';

CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
