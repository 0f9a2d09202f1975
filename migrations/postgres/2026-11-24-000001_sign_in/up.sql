-- Each acts as a user of its own, whose username is its name and who is suspended while it is disabled.
CREATE TABLE api_keys (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    secret_digest bytea NOT NULL CHECK (octet_length(secret_digest) = 32),
    description text,
    scopes text NOT NULL,
    created bigint NOT NULL,
    created_by text,
    modified bigint NOT NULL,
    modified_by text
);

-- Good under one security stamp of their user.
CREATE TABLE refresh_tokens (
    digest bytea NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    stamp uuid NOT NULL,
    scopes text NOT NULL,
    expires bigint NOT NULL
);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);

-- One row: how often somebody signed in under a name that nobody has.
CREATE TABLE unknown_sign_ins (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    attempts bigint NOT NULL,
    latest bigint
);
INSERT INTO unknown_sign_ins (id, attempts, latest) VALUES (1, 0, NULL);

-- When the latest token was issued with which a user came from an outside issuer.
CREATE TABLE foreign_sign_ins (
    user_id uuid NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    issued bigint NOT NULL
);
