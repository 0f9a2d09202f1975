-- Moments are milliseconds since 1970-01-01T00:00:00Z, keys are what names are compared by.
CREATE TABLE users (
    id uuid NOT NULL PRIMARY KEY,
    username text NOT NULL,
    username_key text COLLATE "C" NOT NULL UNIQUE,
    email text,
    first_name text,
    last_name text,
    timezone text NOT NULL,
    language text NOT NULL,
    custom json NOT NULL,
    password_hash text,
    password_change_frequency integer,
    provider_kind text NOT NULL CHECK (provider_kind IN ('contensis', 'external')),
    provider_name text NOT NULL,
    suspended boolean NOT NULL,
    locked boolean NOT NULL,
    password_reset_required boolean NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    last_login bigint,
    last_failed_login bigint,
    expiry bigint,
    password_changed bigint,
    opt_out_of_notifications boolean NOT NULL,
    failed_login_attempts integer NOT NULL,
    failed_login_attempts_since_last_success integer NOT NULL,
    successful_login_attempts integer NOT NULL,
    security_stamp uuid NOT NULL,
    version bigint NOT NULL
);

-- Every username and email address, once: a username can never be another user's address.
CREATE TABLE user_identifiers (
    identifier_key text COLLATE "C" NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX user_identifiers_by_user ON user_identifiers (user_id);

CREATE TABLE groups (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL UNIQUE,
    description text,
    kind text NOT NULL CHECK (kind IN ('sys', 'contensis', 'external')),
    custom json NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE group_email_domains (
    group_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    domain text COLLATE "C" NOT NULL,
    PRIMARY KEY (group_id, domain)
);
CREATE INDEX group_email_domains_by_domain ON group_email_domains (domain, group_id);

-- Direct members.
CREATE TABLE group_users (
    group_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added bigint NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_users_by_user ON group_users (user_id, group_id);

-- How many direct members a group has: the sum over its slots.
CREATE TABLE group_user_counts (
    group_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    slot smallint NOT NULL,
    users bigint NOT NULL,
    PRIMARY KEY (group_id, slot)
);

-- Direct children.
CREATE TABLE group_children (
    parent_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    child_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (parent_id, child_id),
    CHECK (parent_id <> child_id)
);
CREATE INDEX group_children_by_child ON group_children (child_id, parent_id);

-- Every group with itself and with every group below it.
CREATE TABLE group_closure (
    ancestor_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    descendant_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (ancestor_id, descendant_id)
);
CREATE INDEX group_closure_by_descendant ON group_closure (descendant_id, ancestor_id);
