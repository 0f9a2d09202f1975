-- Is the user in the group, or in a group below it? The bare join, without who asks or what exists.
SELECT EXISTS (SELECT 1 FROM group_users m JOIN group_closure c ON c.descendant_id = m.group_id
    WHERE c.ancestor_id = :group AND m.user_id = :user);
