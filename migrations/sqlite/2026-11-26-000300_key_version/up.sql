-- By which version the keys of names and texts were made. They are made in the program, which makes them anew when its version is
-- another one. 1 is what the keys were before there was this table.
CREATE TABLE key_version (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO key_version (id, version) VALUES (1, 1);
