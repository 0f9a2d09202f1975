DROP TABLE unknown_sign_ins;
CREATE TABLE unknown_sign_ins (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    attempts bigint NOT NULL,
    latest bigint
);
INSERT INTO unknown_sign_ins (id, attempts, latest) VALUES (1, 0, NULL);
DROP TABLE known_addresses;
DROP INDEX users_by_locked_until;
ALTER TABLE users ADD COLUMN locked boolean NOT NULL DEFAULT false;
UPDATE users SET locked = true WHERE locked_until IS NOT NULL;
CREATE INDEX users_locked ON users (id) WHERE locked;
ALTER TABLE users DROP COLUMN locked_until;
ALTER TABLE users DROP COLUMN locks;
ALTER TABLE users DROP COLUMN lock_failures;
ALTER TABLE user_identifiers DROP COLUMN by_authority;
CREATE TABLE foreign_sign_ins (
    user_id uuid NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    issued bigint NOT NULL
);
INSERT INTO foreign_sign_ins (user_id, issued)
    SELECT user_id, max(latest_token) FROM identities WHERE latest_token IS NOT NULL GROUP BY user_id;
DROP TABLE identities;
