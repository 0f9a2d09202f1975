-- Receivers of events, and how far the deliveries to each are.
CREATE TABLE webhooks (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    -- JSON arrays of texts.
    types TEXT NOT NULL,
    group_ids TEXT NOT NULL,
    created INTEGER NOT NULL,
    created_by TEXT,
    -- Sealed by the service.
    secret BLOB NOT NULL,
    former_secret BLOB,
    former_until INTEGER,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    has_begun INTEGER NOT NULL CHECK (has_begun IN (0, 1)),
    position INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    failing_since INTEGER,
    next_attempt INTEGER,
    last_sequence INTEGER,
    last_status INTEGER,
    last_at INTEGER,
    attempts INTEGER NOT NULL,
    test_id BLOB,
    lease_holder BLOB,
    lease_until INTEGER,
    CHECK ((lease_holder IS NULL) = (lease_until IS NULL)),
    CHECK ((former_secret IS NULL) = (former_until IS NULL)),
    CHECK ((last_sequence IS NULL) = (last_at IS NULL))
) STRICT;

-- The latest attempts of each webhook.
CREATE TABLE webhook_deliveries (
    webhook_id BLOB NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    -- NULL: a test.
    sequence INTEGER,
    at INTEGER NOT NULL,
    -- In milliseconds.
    duration INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    PRIMARY KEY (webhook_id, number)
) STRICT, WITHOUT ROWID;
