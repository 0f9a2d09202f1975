-- Whoever asks for an actor, a group or a user, and for types, finds the events of each type in their order.
DROP INDEX events_by_actor;
DROP INDEX events_by_group;
CREATE INDEX events_by_actor ON events (actor_id, kind, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX events_by_group ON events (group_id, kind, sequence) WHERE group_id IS NOT NULL;

ALTER TABLE event_users RENAME TO event_users_before;
ALTER INDEX event_users_pkey RENAME TO event_users_before_pkey;
CREATE TABLE event_users (
    user_id uuid NOT NULL,
    kind smallint NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (user_id, kind, sequence)
);
INSERT INTO event_users (user_id, kind, sequence)
    SELECT u.user_id, e.kind, u.sequence FROM event_users_before u JOIN events e ON e.sequence = u.sequence;
DROP TABLE event_users_before;
