-- pgbench: a membership and its count, in one transaction; each client counts in a slot of its own, as the service's connections do.
\set n random(1, :users)
BEGIN;
INSERT INTO group_users (group_id, user_id, added) SELECT CAST(:group AS uuid), id, 0 FROM bench.users WHERE n = :n ON CONFLICT DO NOTHING;
INSERT INTO group_user_counts (group_id, slot, users, changes) VALUES (CAST(:group AS uuid), 1 + :client_id, 1, 1)
    ON CONFLICT (group_id, slot) DO UPDATE SET users = group_user_counts.users + 1, changes = group_user_counts.changes + 1;
COMMIT;
