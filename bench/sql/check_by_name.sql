-- The same by the key of the group's name and by the key of a username or an address.
SELECT EXISTS (SELECT 1 FROM group_users m JOIN group_closure c ON c.descendant_id = m.group_id
    WHERE c.ancestor_id = (SELECT id FROM groups WHERE name_key = :group)
    AND m.user_id = (SELECT user_id FROM user_identifiers WHERE identifier_key = :user));
