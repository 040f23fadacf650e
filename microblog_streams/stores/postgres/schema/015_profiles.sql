-- A person's page: what they say of themselves, and how many follow them and are followed by them.

ALTER TABLE users
    ADD COLUMN display_name text   NOT NULL DEFAULT '',
    ADD COLUMN note         text   NOT NULL DEFAULT '',
    ADD COLUMN links        text[] NOT NULL DEFAULT '{}';

-- The numbers as of the last sweep. What came after is in follow_count_changes, so the two together are exact: one
-- statement reads both. Without the second table each follow would update its followee's row, and the follows of a
-- popular user would wait for each other's commits.
CREATE TABLE follow_counts (
    user_id   bigint PRIMARY KEY,
    followers bigint NOT NULL,
    followees bigint NOT NULL
);

CREATE TABLE follow_count_changes (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id   bigint NOT NULL,
    followers bigint NOT NULL,
    followees bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

CREATE INDEX follow_count_changes_by_user ON follow_count_changes (user_id);

-- Deleted users whose followers still count them. The sweep takes it from them, a batch of followers at a time.
CREATE TABLE counted_deleted_users (
    user_id        bigint PRIMARY KEY,
    after_follower bigint NOT NULL DEFAULT 0
);

-- Statement by statement, so a batch of edges of one user is one row.
CREATE FUNCTION count_new_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO follow_count_changes (user_id, followers, followees)
    SELECT followee_id, count(*), 0 FROM written WHERE following GROUP BY followee_id
    UNION ALL
    SELECT follower_id, 0, count(*) FROM written WHERE following GROUP BY follower_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_changed_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH changed AS (
        SELECT follower_id, followee_id, CASE WHEN written.following THEN 1 ELSE -1 END AS number
          FROM written JOIN replaced USING (follower_id, followee_id)
         WHERE written.following <> replaced.following
    )
    INSERT INTO follow_count_changes (user_id, followers, followees)
    SELECT followee_id, sum(number), 0 FROM changed GROUP BY followee_id
    UNION ALL
    SELECT follower_id, 0, sum(number) FROM changed GROUP BY follower_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER new_follows_are_counted AFTER INSERT ON follows
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION count_new_follows();
CREATE TRIGGER changed_follows_are_counted AFTER UPDATE ON follows
    REFERENCING OLD TABLE AS replaced NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION count_changed_follows();

-- The triggers hold off follows until this is committed, some seconds a million edges.
INSERT INTO follow_counts (user_id, followers, followees)
SELECT user_id, sum(followers), sum(followees)
  FROM (SELECT followee_id AS user_id, count(*) AS followers, 0 AS followees
          FROM follows WHERE following GROUP BY followee_id
        UNION ALL
        SELECT follower_id, 0, count(*)
          FROM follows JOIN users ON id = followee_id
         WHERE following AND deleted_at IS NULL GROUP BY follower_id) AS counted
 GROUP BY user_id;
