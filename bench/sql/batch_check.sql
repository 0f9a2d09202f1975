-- Many checks at once: how many of the pairs hold. `:checks` is two arrays in a row on PostgreSQL, a temporary table on SQLite.
SELECT count(*) FROM :checks q WHERE EXISTS (SELECT 1 FROM group_users m JOIN group_closure c ON c.descendant_id = m.group_id
    WHERE c.ancestor_id = q.g AND m.user_id = q.u);
