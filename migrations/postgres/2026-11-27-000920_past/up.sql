-- When a membership or an edge began, if that was by a date: later than it was added.
ALTER TABLE group_users ADD COLUMN since bigint;
ALTER TABLE group_children ADD COLUMN since bigint;

-- Memberships that ended, and from when until when they counted. There is no key: two requests that end one at the same time may both tell of it, and every reader takes each
-- member once.
CREATE TABLE past_memberships (
    group_id uuid NOT NULL,
    user_id uuid NOT NULL,
    began bigint NOT NULL,
    ended bigint NOT NULL,
    added_by uuid
);
CREATE INDEX past_memberships_by_group ON past_memberships (group_id, ended);
CREATE INDEX past_memberships_by_user ON past_memberships (user_id, ended);

-- The same of edges.
CREATE TABLE past_edges (
    parent_id uuid NOT NULL,
    child_id uuid NOT NULL,
    began bigint NOT NULL,
    ended bigint NOT NULL
);
CREATE INDEX past_edges_by_parent ON past_edges (parent_id, ended);
CREATE INDEX past_edges_by_child ON past_edges (child_id, ended);

-- The last names of users and groups that were deleted.
CREATE TABLE past_users (
    id uuid NOT NULL PRIMARY KEY,
    username text NOT NULL,
    username_key text COLLATE "C" NOT NULL,
    deleted bigint NOT NULL
);
CREATE INDEX past_users_by_name ON past_users (username_key, id);
CREATE TABLE past_groups (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    deleted bigint NOT NULL
);

-- The first moment of which everything is known. Of what ended before this migration nothing was kept.
ALTER TABLE event_checkpoint ADD COLUMN known_from bigint;
UPDATE event_checkpoint SET known_from = CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS bigint);
INSERT INTO event_checkpoint (id, sequence, hash, known_from)
    SELECT 1, 0, decode(repeat('00', 32), 'hex'), CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS bigint)
    WHERE EXISTS (SELECT 1 FROM users) ON CONFLICT DO NOTHING;
ALTER TABLE event_checkpoint ALTER COLUMN known_from SET NOT NULL;
