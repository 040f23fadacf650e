-- How far each import of a graph file has come, so that an interrupted one goes on where it was.

CREATE TABLE graph_imports (
    digest      bytea       NOT NULL,
    -- Only nodes with lower numbers take part (--fraction), so another fraction is another import.
    nodes_below bigint      NOT NULL,
    line        bigint      NOT NULL,
    people      bigint      NOT NULL,
    follows     bigint      NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (digest, nodes_below)
);
