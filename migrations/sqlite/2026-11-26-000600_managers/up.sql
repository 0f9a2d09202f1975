-- Users who manage a group and every group below it. The id of an author who was deleted is the id of nobody.
CREATE TABLE group_manager_users (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added INTEGER NOT NULL,
    added_by BLOB,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_manager_users_by_user ON group_manager_users (user_id, group_id);

-- Groups whose effective members do.
CREATE TABLE group_manager_groups (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    manager_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    added INTEGER NOT NULL,
    added_by BLOB,
    PRIMARY KEY (group_id, manager_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_manager_groups_by_manager ON group_manager_groups (manager_id, group_id);
