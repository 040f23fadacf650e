-- Growing the partitions: a move to the next generation of topics, in phases that every worker looks up.

ALTER TABLE deployment
    ADD COLUMN phase text NOT NULL DEFAULT 'settled'
        CHECK (phase IN ('settled', 'copying', 'filled', 'switched', 'draining')),
    -- Where a move under way leads to.
    ADD COLUMN next_generation int,
    ADD COLUMN next_partitions int CHECK (next_partitions >= 1),
    -- The highest number that any generation had: one that was abandoned leaves offsets and tables behind, which must
    -- never be taken for another's.
    ADD COLUMN highest int NOT NULL DEFAULT 1,
    ADD CHECK ((phase = 'settled') = (next_generation IS NULL) AND (phase = 'settled') = (next_partitions IS NULL));
