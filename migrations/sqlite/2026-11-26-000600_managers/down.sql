DROP TABLE group_manager_groups;
DROP TABLE group_manager_users;
