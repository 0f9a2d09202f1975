DELETE FROM event_checkpoint WHERE sequence = 0;
ALTER TABLE event_checkpoint DROP COLUMN known_from;
DROP TABLE past_groups;
DROP TABLE past_users;
DROP TABLE past_edges;
DROP TABLE past_memberships;
ALTER TABLE group_children DROP COLUMN since;
ALTER TABLE group_users DROP COLUMN since;
