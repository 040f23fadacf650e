-- What all workers of a deployment must agree on; one row.

CREATE TABLE deployment (
    single     boolean PRIMARY KEY DEFAULT true CHECK (single),
    -- Which topics are in use: growing their partitions is a move to the next generation.
    generation int     NOT NULL CHECK (generation >= 1),
    partitions int     NOT NULL CHECK (partitions >= 1),
    -- Raised by one after a backup was restored, so that the versions of edges written from then on win
    -- over those that were lost. The first version of an edge is (era << 40) + 1.
    era        bigint  NOT NULL CHECK (era BETWEEN 0 AND 4194303)
);
