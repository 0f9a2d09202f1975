DROP TABLE unknown_sign_ins;
CREATE TABLE unknown_sign_ins (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    attempts INTEGER NOT NULL,
    latest INTEGER
) STRICT;
INSERT INTO unknown_sign_ins (id, attempts, latest) VALUES (1, 0, NULL);
DROP TABLE known_addresses;
DROP INDEX users_by_locked_until;
ALTER TABLE users ADD COLUMN locked INTEGER NOT NULL DEFAULT 0 CHECK (locked IN (0, 1));
UPDATE users SET locked = 1 WHERE locked_until IS NOT NULL;
CREATE INDEX users_locked ON users (id) WHERE locked;
ALTER TABLE users DROP COLUMN locked_until;
ALTER TABLE users DROP COLUMN locks;
ALTER TABLE users DROP COLUMN lock_failures;
ALTER TABLE user_identifiers DROP COLUMN by_authority;
CREATE TABLE foreign_sign_ins (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    issued INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO foreign_sign_ins (user_id, issued)
    SELECT user_id, max(latest_token) FROM identities WHERE latest_token IS NOT NULL GROUP BY user_id;
DROP TABLE identities;
