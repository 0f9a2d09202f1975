-- Events that were committed and have no place in the order of all events yet. They are written by units of work, which pay for one index.
-- `place` is handed out before the commit; those of two units of work of which one waited for the other are in the order of the commits.
CREATE TABLE new_events (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    content text NOT NULL,
    -- The ids of members, 16 bytes each.
    members bytea NOT NULL,
    group_id uuid,
    group_name text,
    -- The ids of the groups at or above the group, 16 bytes each.
    above bytea
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- Ids can hardly be compressed.
ALTER TABLE new_events ALTER COLUMN members SET STORAGE EXTERNAL;

-- The log of all changes: the canonical text of each event as it was hashed, with what it is found by.
CREATE TABLE events (
    sequence bigint NOT NULL PRIMARY KEY,
    id uuid NOT NULL,
    kind smallint NOT NULL,
    time bigint NOT NULL,
    -- The latest time of this event and all before it, so that it rises with the sequence.
    clock bigint NOT NULL,
    actor_id uuid,
    group_id uuid,
    content text NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE INDEX events_by_id ON events (id);
CREATE INDEX events_by_kind ON events (kind, sequence);
CREATE INDEX events_by_actor ON events (actor_id, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX events_by_group ON events (group_id, sequence) WHERE group_id IS NOT NULL;
CREATE INDEX events_by_clock ON events (clock, sequence);
-- Those that tell of a time long before the event before them.
CREATE INDEX events_late ON events (time, sequence) WHERE time < clock - 60000;

-- The users that an event is about.
CREATE TABLE event_users (
    user_id uuid NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (user_id, sequence)
);

-- The last event that was pruned, which the first that is left follows: at most one row.
CREATE TABLE event_checkpoint (
    id smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    sequence bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
