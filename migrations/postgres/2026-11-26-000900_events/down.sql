DROP TABLE event_checkpoint;
DROP TABLE event_users;
DROP TABLE events;
DROP TABLE new_events;
