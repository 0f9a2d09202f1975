-- Receivers of events, and how far the deliveries to each are.
CREATE TABLE webhooks (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL,
    url text NOT NULL,
    -- JSON arrays of texts.
    types text NOT NULL,
    group_ids text NOT NULL,
    created bigint NOT NULL,
    created_by text,
    -- Sealed by the service.
    secret bytea NOT NULL,
    former_secret bytea,
    former_until bigint,
    enabled boolean NOT NULL,
    has_begun boolean NOT NULL,
    position bigint NOT NULL,
    failures integer NOT NULL,
    failing_since bigint,
    next_attempt bigint,
    last_sequence bigint,
    last_status integer,
    last_at bigint,
    attempts bigint NOT NULL,
    test_id uuid,
    lease_holder uuid,
    lease_until bigint,
    CHECK ((lease_holder IS NULL) = (lease_until IS NULL)),
    CHECK ((former_secret IS NULL) = (former_until IS NULL)),
    CHECK ((last_sequence IS NULL) = (last_at IS NULL))
-- A webhook that is sent events is updated all the time.
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- The latest attempts of each webhook.
CREATE TABLE webhook_deliveries (
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    event_id uuid NOT NULL,
    -- NULL: a test.
    sequence bigint,
    at bigint NOT NULL,
    -- In milliseconds.
    duration bigint NOT NULL,
    status integer,
    error text,
    PRIMARY KEY (webhook_id, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
