-- Users who manage a group and every group below it.
CREATE TABLE group_manager_users (
    group_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added bigint NOT NULL,
    added_by uuid REFERENCES users (id) ON DELETE SET NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_manager_users_by_user ON group_manager_users (user_id, group_id);
CREATE INDEX group_manager_users_by_author ON group_manager_users (added_by) WHERE added_by IS NOT NULL;

-- Groups whose effective members do.
CREATE TABLE group_manager_groups (
    group_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    manager_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    added bigint NOT NULL,
    added_by uuid REFERENCES users (id) ON DELETE SET NULL,
    PRIMARY KEY (group_id, manager_id)
);
CREATE INDEX group_manager_groups_by_manager ON group_manager_groups (manager_id, group_id);
CREATE INDEX group_manager_groups_by_author ON group_manager_groups (added_by) WHERE added_by IS NOT NULL;
