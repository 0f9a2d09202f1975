-- When a password is due to change by its age.
ALTER TABLE users ADD COLUMN password_due INTEGER;

-- What users are searched and sorted by: texts as they are compared. It is a table of its own because a sign-in changes `users`
-- and nothing in here.
CREATE TABLE user_search (
    row INTEGER PRIMARY KEY,
    user_id BLOB NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    email_key TEXT,
    first_name_key TEXT,
    last_name_key TEXT,
    timezone_key TEXT NOT NULL,
    language_key TEXT NOT NULL,
    provider_name_key TEXT NOT NULL,
    names_key TEXT NOT NULL,
    custom_keys TEXT NOT NULL
) STRICT;

-- Every three characters in a row of every user's names.
CREATE VIRTUAL TABLE user_search_grams USING fts5 (
    names_key, content = '', contentless_delete = 1, detail = full, tokenize = 'trigram case_sensitive 1'
);
INSERT INTO user_search_grams (user_search_grams, rank) VALUES ('automerge', 16);
CREATE TRIGGER user_search_added AFTER INSERT ON user_search BEGIN
    INSERT INTO user_search_grams (rowid, names_key) VALUES (new.row, new.names_key);
END;
CREATE TRIGGER user_search_changed AFTER UPDATE OF names_key ON user_search WHEN old.names_key <> new.names_key BEGIN
    UPDATE user_search_grams SET names_key = new.names_key WHERE rowid = new.row;
END;
CREATE TRIGGER user_search_removed AFTER DELETE ON user_search BEGIN
    DELETE FROM user_search_grams WHERE rowid = old.row;
END;

-- How many users there are, how often it changed who they are or what they are called, and how often who belongs to which group:
-- sums over slots.
CREATE TABLE user_counts (
    slot INTEGER NOT NULL PRIMARY KEY,
    users INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    memberships INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO user_counts (slot, users, changes) SELECT 0, count(*), 0 FROM users;

-- How often it changed who the members are or what they are called.
ALTER TABLE group_user_counts ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;

-- Every group has its first slot, by which groups are found and sorted.
INSERT INTO group_user_counts (group_id, slot, users) SELECT id, 0, 0 FROM groups WHERE true ON CONFLICT DO NOTHING;
-- How many groups there are: a sum over slots.
CREATE TABLE group_counts (
    slot INTEGER NOT NULL PRIMARY KEY,
    groups INTEGER NOT NULL
) STRICT;
INSERT INTO group_counts (slot, groups) SELECT 0, count(*) FROM groups;
CREATE TRIGGER groups_added AFTER INSERT ON groups BEGIN
    INSERT INTO group_user_counts (group_id, slot, users) VALUES (new.id, 0, 0);
    UPDATE group_counts SET groups = groups + 1;
END;
CREATE TRIGGER groups_removed AFTER DELETE ON groups BEGIN
    UPDATE group_counts SET groups = groups - 1;
END;
CREATE INDEX group_user_counts_by_users ON group_user_counts (users, group_id);

-- How many direct children a group has.
ALTER TABLE groups ADD COLUMN child_group_count INTEGER NOT NULL DEFAULT 0;
UPDATE groups SET child_group_count = (SELECT count(*) FROM group_children WHERE parent_id = groups.id);

ALTER TABLE groups ADD COLUMN description_key TEXT;
ALTER TABLE groups ADD COLUMN custom_keys TEXT NOT NULL DEFAULT 'null';

-- An index per field, and the id last, in whose order those are listed that are alike.
CREATE UNIQUE INDEX users_by_username_key ON users (username_key, id);
CREATE INDEX users_by_created ON users (created, id);
CREATE INDEX users_by_modified ON users (modified, id);
CREATE INDEX users_by_last_login ON users (last_login, id);
CREATE INDEX users_by_last_failed_login ON users (last_failed_login, id);
CREATE INDEX users_by_expiry ON users (expiry, id);
CREATE INDEX users_by_password_changed ON users (password_changed, id);
CREATE INDEX users_by_password_change_frequency ON users (password_change_frequency, id);
CREATE INDEX users_by_provider_kind ON users (provider_kind, id);
CREATE INDEX users_by_failed_login_attempts ON users (failed_login_attempts, id);
CREATE INDEX users_by_failed_login_attempts_since_last_success ON users (failed_login_attempts_since_last_success, id);
CREATE INDEX users_by_successful_login_attempts ON users (successful_login_attempts, id);
CREATE INDEX users_suspended ON users (id) WHERE suspended;
CREATE INDEX users_to_expire ON users (expiry, id) WHERE NOT suspended AND expiry IS NOT NULL;
CREATE INDEX users_locked ON users (id) WHERE locked;
CREATE INDEX users_password_reset_required ON users (id) WHERE password_reset_required;
CREATE INDEX users_to_reset_password ON users (password_due, id) WHERE NOT password_reset_required AND password_due IS NOT NULL;
CREATE INDEX users_opted_out_of_notifications ON users (id) WHERE opt_out_of_notifications;
CREATE INDEX user_search_by_email ON user_search (email_key, user_id);
CREATE INDEX user_search_by_first_name ON user_search (first_name_key, user_id);
CREATE INDEX user_search_by_last_name ON user_search (last_name_key, user_id);
CREATE INDEX user_search_by_timezone ON user_search (timezone_key, user_id);
CREATE INDEX user_search_by_language ON user_search (language_key, user_id);
CREATE INDEX user_search_by_provider_name ON user_search (provider_name_key, user_id);
CREATE UNIQUE INDEX groups_by_name_key ON groups (name_key, id);
CREATE INDEX groups_by_description ON groups (description_key, id);
CREATE INDEX groups_by_kind ON groups (kind, id);
CREATE INDEX groups_by_created ON groups (created, id);
CREATE INDEX groups_by_modified ON groups (modified, id);
CREATE INDEX groups_by_child_group_count ON groups (child_group_count, id);
