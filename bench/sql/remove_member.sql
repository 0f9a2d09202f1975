-- pgbench: a membership that goes, and its count, in one transaction.
\set n random(1, :users)
BEGIN;
DELETE FROM group_users WHERE group_id = CAST(:group AS uuid) AND user_id = (SELECT id FROM bench.users WHERE n = :n);
INSERT INTO group_user_counts (group_id, slot, users, changes) VALUES (CAST(:group AS uuid), 1 + :client_id, -1, 1)
    ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users - 1, changes = group_user_counts.changes + 1;
COMMIT;
