DROP INDEX events_by_actor;
DROP INDEX events_by_group;
CREATE INDEX events_by_actor ON events (actor_id, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX events_by_group ON events (group_id, sequence) WHERE group_id IS NOT NULL;

ALTER TABLE event_users RENAME TO event_users_before;
ALTER INDEX event_users_pkey RENAME TO event_users_before_pkey;
CREATE TABLE event_users (
    user_id uuid NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (user_id, sequence)
);
INSERT INTO event_users (user_id, sequence) SELECT user_id, sequence FROM event_users_before;
DROP TABLE event_users_before;
