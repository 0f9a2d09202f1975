-- A subject of an outside issuer is one user, whatever either is called.
CREATE TABLE identities (
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked bigint NOT NULL,
    latest_token bigint,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id, issuer, subject);
DROP TABLE foreign_sign_ins;

-- Whether a System Administrator, an operator or an issuer gave the name, and not the user.
ALTER TABLE user_identifiers ADD COLUMN by_authority boolean NOT NULL DEFAULT false;

-- Wrong passwords. Whoever was locked stays so until somebody unlocks: 9999-12-31T23:59:59.999Z.
ALTER TABLE users ADD COLUMN lock_failures integer NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN locks integer NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN locked_until bigint;
UPDATE users SET locks = 1, locked_until = 253402300799999 WHERE locked;
DROP INDEX users_locked;
ALTER TABLE users DROP COLUMN locked;
CREATE INDEX users_by_locked_until ON users (locked_until, id) WHERE locked_until IS NOT NULL;

-- Addresses from where users signed in, as keyed digests, and the wrong passwords from there.
CREATE TABLE known_addresses (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address bytea NOT NULL CHECK (octet_length(address) = 32),
    signed_in bigint NOT NULL,
    lock_failures integer NOT NULL,
    locks integer NOT NULL,
    locked_until bigint,
    PRIMARY KEY (user_id, address)
);

-- Wrong passwords for names that nobody has: a place for each two first bytes of their keyed digests, so 65,536 in all.
DROP TABLE unknown_sign_ins;
CREATE TABLE unknown_sign_ins (
    place integer NOT NULL PRIMARY KEY CHECK (place BETWEEN 0 AND 65535),
    name bytea NOT NULL CHECK (octet_length(name) = 32),
    lock_failures integer NOT NULL,
    locks integer NOT NULL,
    locked_until bigint
);
