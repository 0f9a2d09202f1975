-- Events that were committed and have no place in the order of all events yet. They are written by units of work, which pay for no other index.
CREATE TABLE new_events (
    place INTEGER NOT NULL PRIMARY KEY,
    content TEXT NOT NULL,
    -- The ids of members, 16 bytes each.
    members BLOB NOT NULL,
    group_id BLOB,
    group_name TEXT,
    -- The ids of the groups at or above the group, 16 bytes each.
    above BLOB
) STRICT;

-- The log of all changes: the canonical text of each event as it was hashed, with what it is found by.
CREATE TABLE events (
    sequence INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    time INTEGER NOT NULL,
    -- The latest time of this event and all before it, so that it rises with the sequence.
    clock INTEGER NOT NULL,
    actor_id BLOB,
    group_id BLOB,
    content TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX events_by_id ON events (id);
CREATE INDEX events_by_kind ON events (kind, sequence);
CREATE INDEX events_by_actor ON events (actor_id, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX events_by_group ON events (group_id, sequence) WHERE group_id IS NOT NULL;
CREATE INDEX events_by_clock ON events (clock, sequence);
-- Those that tell of a time long before the event before them.
CREATE INDEX events_late ON events (time, sequence) WHERE time < clock - 60000;

-- The users that an event is about.
CREATE TABLE event_users (
    user_id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (user_id, sequence)
) STRICT, WITHOUT ROWID;

-- The last event that was pruned, which the first that is left follows: at most one row.
CREATE TABLE event_checkpoint (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
