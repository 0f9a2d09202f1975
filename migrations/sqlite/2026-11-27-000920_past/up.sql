-- When a membership or an edge began, if that was by a date: later than it was added.
ALTER TABLE group_users ADD COLUMN since INTEGER;
ALTER TABLE group_children ADD COLUMN since INTEGER;

-- Memberships that ended, and from when until when they counted.
CREATE TABLE past_memberships (
    group_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    added_by BLOB,
    PRIMARY KEY (group_id, ended, user_id, began)
) STRICT, WITHOUT ROWID;
CREATE INDEX past_memberships_by_user ON past_memberships (user_id, ended);

-- The same of edges.
CREATE TABLE past_edges (
    parent_id BLOB NOT NULL,
    child_id BLOB NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    PRIMARY KEY (parent_id, ended, child_id, began)
) STRICT, WITHOUT ROWID;
CREATE INDEX past_edges_by_child ON past_edges (child_id, ended);

-- The last names of users and groups that were deleted.
CREATE TABLE past_users (
    id BLOB NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL,
    deleted INTEGER NOT NULL
) STRICT;
CREATE INDEX past_users_by_name ON past_users (username_key, id);
CREATE TABLE past_groups (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    deleted INTEGER NOT NULL
) STRICT;

-- The first moment of which everything is known. Of what ended before this migration nothing was kept.
ALTER TABLE event_checkpoint ADD COLUMN known_from INTEGER NOT NULL DEFAULT 0;
UPDATE event_checkpoint SET known_from = CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER);
INSERT OR IGNORE INTO event_checkpoint (id, sequence, hash, known_from)
    SELECT 1, 0, zeroblob(32), CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) WHERE EXISTS (SELECT 1 FROM users);
