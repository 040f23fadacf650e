-- Idempotency-Key headers already seen, and the post that each one made.

CREATE TABLE idempotency (
    author     bigint      NOT NULL,
    key        text        NOT NULL,
    digest     bytea       NOT NULL,
    post_id    uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (author, key)
);
