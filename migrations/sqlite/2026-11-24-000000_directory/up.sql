-- Ids are UUIDs as 16 bytes, moments are milliseconds since 1970-01-01T00:00:00Z, keys are what names are compared by.
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    email TEXT,
    first_name TEXT,
    last_name TEXT,
    timezone TEXT NOT NULL,
    language TEXT NOT NULL,
    custom TEXT NOT NULL CHECK (json_valid(custom)),
    password_hash TEXT,
    password_change_frequency INTEGER,
    provider_kind TEXT NOT NULL CHECK (provider_kind IN ('contensis', 'external')),
    provider_name TEXT NOT NULL,
    suspended INTEGER NOT NULL CHECK (suspended IN (0, 1)),
    locked INTEGER NOT NULL CHECK (locked IN (0, 1)),
    password_reset_required INTEGER NOT NULL CHECK (password_reset_required IN (0, 1)),
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    last_login INTEGER,
    last_failed_login INTEGER,
    expiry INTEGER,
    password_changed INTEGER,
    opt_out_of_notifications INTEGER NOT NULL CHECK (opt_out_of_notifications IN (0, 1)),
    failed_login_attempts INTEGER NOT NULL,
    failed_login_attempts_since_last_success INTEGER NOT NULL,
    successful_login_attempts INTEGER NOT NULL,
    security_stamp BLOB NOT NULL CHECK (length(security_stamp) = 16),
    version INTEGER NOT NULL
) STRICT;

-- Every username and email address, once: a username can never be another user's address.
CREATE TABLE user_identifiers (
    identifier_key TEXT NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX user_identifiers_by_user ON user_identifiers (user_id);

CREATE TABLE groups (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    description TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('sys', 'contensis', 'external')),
    custom TEXT NOT NULL CHECK (json_valid(custom)),
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE group_email_domains (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    domain TEXT NOT NULL,
    PRIMARY KEY (group_id, domain)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_email_domains_by_domain ON group_email_domains (domain, group_id);

-- Direct members.
CREATE TABLE group_users (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_users_by_user ON group_users (user_id, group_id);

-- How many direct members a group has: the sum over its slots.
CREATE TABLE group_user_counts (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    slot INTEGER NOT NULL,
    users INTEGER NOT NULL,
    PRIMARY KEY (group_id, slot)
) STRICT, WITHOUT ROWID;

-- Direct children.
CREATE TABLE group_children (
    parent_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    child_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (parent_id, child_id),
    CHECK (parent_id <> child_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_children_by_child ON group_children (child_id, parent_id);

-- Every group with itself and with every group below it.
CREATE TABLE group_closure (
    ancestor_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    descendant_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (ancestor_id, descendant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_closure_by_descendant ON group_closure (descendant_id, ancestor_id);
