-- What tells that PostgreSQL has lost commits whose events are in the log: a standby was promoted without them, or a
-- backup was restored. See stores/postgres/era.py.

ALTER TABLE deployment
    -- The server in which the row was last seen, and the timeline of its write-ahead log. NULL: not looked up yet.
    ADD COLUMN system_id bigint,
    ADD COLUMN timeline  bigint,
    -- When the era was raised last.
    ADD COLUMN era_began timestamptz,
    -- Counted up whenever workers must compare their followers tables with "follows".
    ADD COLUMN audit bigint NOT NULL DEFAULT 0;

-- The last such comparison of each partition, by the worker that had it.
CREATE TABLE edge_audits (
    generation int         NOT NULL,
    partition  int         NOT NULL,
    audit      bigint      NOT NULL,
    audited_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, partition)
);
