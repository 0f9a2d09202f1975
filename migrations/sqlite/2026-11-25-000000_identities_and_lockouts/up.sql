-- A subject of an outside issuer is one user, whatever either is called.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked INTEGER NOT NULL,
    latest_token INTEGER,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_user ON identities (user_id, issuer, subject);
DROP TABLE foreign_sign_ins;

-- Whether a System Administrator, an operator or an issuer gave the name, and not the user.
ALTER TABLE user_identifiers ADD COLUMN by_authority INTEGER NOT NULL DEFAULT 0 CHECK (by_authority IN (0, 1));

-- Wrong passwords. Whoever was locked stays so until somebody unlocks: 9999-12-31T23:59:59.999Z.
ALTER TABLE users ADD COLUMN lock_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN locks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN locked_until INTEGER;
UPDATE users SET locks = 1, locked_until = 253402300799999 WHERE locked;
DROP INDEX users_locked;
ALTER TABLE users DROP COLUMN locked;
CREATE INDEX users_by_locked_until ON users (locked_until, id) WHERE locked_until IS NOT NULL;

-- Addresses from where users signed in, as keyed digests, and the wrong passwords from there.
CREATE TABLE known_addresses (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address BLOB NOT NULL CHECK (length(address) = 32),
    signed_in INTEGER NOT NULL,
    lock_failures INTEGER NOT NULL,
    locks INTEGER NOT NULL,
    locked_until INTEGER,
    PRIMARY KEY (user_id, address)
) STRICT, WITHOUT ROWID;

-- Wrong passwords for names that nobody has: a place for each two first bytes of their keyed digests, so 65,536 in all.
DROP TABLE unknown_sign_ins;
CREATE TABLE unknown_sign_ins (
    place INTEGER NOT NULL PRIMARY KEY CHECK (place BETWEEN 0 AND 65535),
    name BLOB NOT NULL CHECK (length(name) = 32),
    lock_failures INTEGER NOT NULL,
    locks INTEGER NOT NULL,
    locked_until INTEGER
) STRICT;
