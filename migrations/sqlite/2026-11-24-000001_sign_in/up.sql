-- Each acts as a user of its own, whose username is its name and who is suspended while it is disabled.
CREATE TABLE api_keys (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    secret_digest BLOB NOT NULL CHECK (length(secret_digest) = 32),
    description TEXT,
    scopes TEXT NOT NULL,
    created INTEGER NOT NULL,
    created_by TEXT,
    modified INTEGER NOT NULL,
    modified_by TEXT
) STRICT;

-- Good under one security stamp of their user.
CREATE TABLE refresh_tokens (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    stamp BLOB NOT NULL CHECK (length(stamp) = 16),
    scopes TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);

-- One row: how often somebody signed in under a name that nobody has.
CREATE TABLE unknown_sign_ins (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    attempts INTEGER NOT NULL,
    latest INTEGER
) STRICT;
INSERT INTO unknown_sign_ins (id, attempts, latest) VALUES (1, 0, NULL);

-- When the latest token was issued with which a user came from an outside issuer.
CREATE TABLE foreign_sign_ins (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    issued INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
