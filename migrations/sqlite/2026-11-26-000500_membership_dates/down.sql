ALTER TABLE group_children DROP COLUMN added_by;
ALTER TABLE group_children DROP COLUMN added;
ALTER TABLE group_users DROP COLUMN added_by;
