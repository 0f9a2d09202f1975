DROP INDEX events_by_actor;
DROP INDEX events_by_group;
CREATE INDEX events_by_actor ON events (actor_id, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX events_by_group ON events (group_id, sequence) WHERE group_id IS NOT NULL;

ALTER TABLE event_users RENAME TO event_users_before;
CREATE TABLE event_users (
    user_id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (user_id, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO event_users (user_id, sequence) SELECT user_id, sequence FROM event_users_before ORDER BY 1, 2;
DROP TABLE event_users_before;
