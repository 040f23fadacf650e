-- A follow in one round trip: its locks, checks, row and event. In eight statements, each of which waits for the one
-- before, it cost a worker and PostgreSQL four times as much.
--
-- The argument in stores/postgres/follows.py needs that the look for a block, and each one after it, sees what was
-- committed while a lock was waited for. So the function is VOLATILE, and runs at READ COMMITTED: each of its statements
-- has a snapshot of its own. Its locks last until the end of the caller's transaction, as those of statements do.
--
-- The worker writes the event, since it knows its format, in two parts; the edge's version goes between them.
--
-- outcome: 'followed'; 'unchanged', the edge was there; or the reason why nothing was done.

CREATE FUNCTION follow_user(
    follower bigint, followee bigint, at_time timestamptz,
    -- The number of people whom the follower may follow, 0 for any; the class of locks for it.
    max_followees bigint, lock_class int,
    event_topic text, event_key bytea, event_before text, event_after text, event_headers jsonb,
    OUT outcome text, OUT edge_following boolean, OUT edge_version bigint, OUT edge_changed_at timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    present bigint[];
BEGIN
    -- Two concurrent follows of a user could each find room for one more. A lock on the user's row would also block
    -- those who follow the user. The lock is by hash, so some users share one.
    IF max_followees > 0 THEN
        PERFORM pg_advisory_xact_lock(lock_class, hashint8(follower));
    END IF;

    -- By id, the order in which all transactions lock users; FOR SHARE, so that only deletions and blocks must wait.
    SELECT coalesce(array_agg(id), '{}') INTO present
      FROM (SELECT id FROM users WHERE id IN (follower, followee) AND deleted_at IS NULL ORDER BY id FOR SHARE) AS locked;
    IF follower <> ALL (present) THEN outcome := 'no follower'; RETURN; END IF;
    IF followee <> ALL (present) THEN outcome := 'no followee'; RETURN; END IF;

    IF EXISTS (SELECT FROM blocks WHERE (blocker_id, blocked_id) IN ((follower, followee), (followee, follower))) THEN
        outcome := 'blocked';
        RETURN;
    END IF;

    -- Where the edge is there already, it is among those that were counted. Should it end before the next statement, that
    -- one makes up for it: the number stays what it was, since other follows of this user wait. The first count is
    -- cheaper, and includes deleted followees.
    IF max_followees > 0
       AND NOT EXISTS (SELECT FROM follows WHERE follower_id = follower AND followee_id = followee AND following)
       AND max_followees <= (SELECT count(*) FROM (
               SELECT FROM follows WHERE follower_id = follower AND following LIMIT max_followees) AS bounded)
       AND max_followees <= (SELECT count(*) FROM (
               SELECT FROM follows JOIN users ON id = followee_id
                WHERE follower_id = follower AND following AND deleted_at IS NULL LIMIT max_followees) AS bounded) THEN
        outcome := 'too many followees';
        RETURN;
    END IF;

    -- Of two concurrent first follows of an edge, the second waits here and then finds the row of the first.
    INSERT INTO follows AS edge (follower_id, followee_id, following, version, changed_at)
    VALUES (follower, followee, true, (SELECT (era << 40) + 1 FROM deployment), at_time)
    ON CONFLICT (follower_id, followee_id) DO UPDATE
       SET following = true, version = greatest(edge.version + 1, excluded.version), changed_at = excluded.changed_at
     WHERE NOT edge.following
    RETURNING edge.following, edge.version, edge.changed_at INTO edge_following, edge_version, edge_changed_at;
    IF FOUND THEN
        INSERT INTO outbox (topic, key, value, headers)
        VALUES (event_topic, event_key, event_before || edge_version || event_after, event_headers);
        outcome := 'followed';
        RETURN;
    END IF;

    -- The statement above has locked the row.
    SELECT following, version, changed_at INTO edge_following, edge_version, edge_changed_at
      FROM follows WHERE follower_id = follower AND followee_id = followee;
    outcome := 'unchanged';
END
$$;
