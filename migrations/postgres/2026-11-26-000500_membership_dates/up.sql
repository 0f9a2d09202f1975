-- Who added a member or a child, and when. Nothing refers to the user: a foreign key would cost each bulk insert a look-up for every row, and each
-- deletion of a user an index over all memberships. The id of a deleted user is the id of nobody.
ALTER TABLE group_users ADD COLUMN added_by uuid;
ALTER TABLE group_children ADD COLUMN added bigint;
ALTER TABLE group_children ADD COLUMN added_by uuid;
