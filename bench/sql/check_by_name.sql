-- The same by the key of the group's name and by the key of a username or an address.
SELECT EXISTS (SELECT 1 FROM user_identifiers i JOIN group_users m ON m.user_id = i.user_id
    JOIN group_closure c ON c.descendant_id = m.group_id JOIN groups g ON g.id = c.ancestor_id
    WHERE g.name_key = :group AND i.identifier_key = :user);
