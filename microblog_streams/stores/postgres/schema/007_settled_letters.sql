-- The dead letters that an operator has resolved, by their places in the topic dead.letters, which itself only grows.

CREATE TABLE settled_letters (
    partition     int         NOT NULL,
    record_offset bigint      NOT NULL,
    action        text        NOT NULL CHECK (action IN ('replayed', 'discarded')),
    settled_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, record_offset)
);
