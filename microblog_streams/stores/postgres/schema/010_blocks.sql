-- Who has blocked whom: neither follows the other as long as the row is there. It goes on unblocking, and with either user.

CREATE TABLE blocks (
    blocker_id bigint      NOT NULL,
    blocked_id bigint      NOT NULL,
    blocked_at timestamptz NOT NULL,
    PRIMARY KEY (blocker_id, blocked_id),
    CHECK (blocker_id <> blocked_id)
);

-- For the deletion of a user whom others have blocked.
CREATE INDEX blocks_by_blocked ON blocks (blocked_id, blocker_id);
