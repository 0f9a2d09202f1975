-- The first page of the groups that a user is in, directly or by groups below.
SELECT g.id, g.name, g.description, g.kind, g.custom, g.created, g.modified, g.child_group_count, g.version FROM groups g
    WHERE g.id IN (SELECT c.ancestor_id FROM group_users m JOIN group_closure c ON c.descendant_id = m.group_id WHERE m.user_id = :user)
    ORDER BY g.name_key LIMIT 25;
