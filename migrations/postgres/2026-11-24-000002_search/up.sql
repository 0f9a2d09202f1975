-- When a password is due to change by its age.
ALTER TABLE users ADD COLUMN password_due bigint;

-- What users are searched and sorted by: texts as they are compared. It is a table of its own because a sign-in changes `users`
-- and nothing in here.
CREATE TABLE user_search (
    user_id uuid NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    email_key text COLLATE "C",
    first_name_key text COLLATE "C",
    last_name_key text COLLATE "C",
    timezone_key text COLLATE "C" NOT NULL,
    language_key text COLLATE "C" NOT NULL,
    provider_name_key text COLLATE "C" NOT NULL,
    names_key text COLLATE "C" NOT NULL,
    custom_keys json NOT NULL
);

-- Every three characters in a row, each three as a number. `ascii` is the code point where the database is UTF-8. The extension
-- pg_trgm asks the database's locale what a letter is, and knows but those of ASCII where that is C.
CREATE FUNCTION guildhall_grams (key text) RETURNS bigint[] IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE
    character text;
    first bigint := 0;
    second bigint := 0;
    third bigint := 0;
    number integer := 0;
    grams bigint[] := '{}';
BEGIN
    FOREACH character IN ARRAY string_to_array(key, NULL) LOOP
        first := second;
        second := third;
        third := ascii(character);
        number := number + 1;
        IF number > 2 THEN
            grams := grams || ((first << 42) | (second << 21) | third);
        END IF;
    END LOOP;
    RETURN grams;
END $$;
CREATE INDEX user_search_grams ON user_search USING gin (guildhall_grams(names_key));
CREATE INDEX groups_grams ON groups USING gin (guildhall_grams(name_key));

-- Whether a word stands in a text with neither letters nor numbers around it. In a key, symbols stand before the digits or
-- have a slash before them.
CREATE FUNCTION guildhall_has_word (key text, word text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE
    rest text := key;
    place integer;
    skipped integer := 0;
    before text;
    behind text;
BEGIN
    IF key IS NULL OR word IS NULL OR word = '' THEN
        RETURN false;
    END IF;
    LOOP
        place := strpos(rest, word);
        IF place = 0 THEN
            RETURN false;
        END IF;
        place := place + skipped;
        before := substr(key, place - 1, 1);
        behind := substr(key, place + length(word), 1);
        IF (place = 1 OR before COLLATE "C" < '/' OR (place > 2 AND substr(key, place - 2, 1) = '/'))
            AND (behind = '' OR behind COLLATE "C" <= '/') THEN
            RETURN true;
        END IF;
        skipped := place;
        rest := substr(key, place + 1);
    END LOOP;
END $$;

-- How many users there are, how often it changed who they are or what they are called, and how often who belongs to which group:
-- sums over slots.
CREATE TABLE user_counts (
    slot smallint NOT NULL PRIMARY KEY,
    users bigint NOT NULL,
    changes bigint NOT NULL,
    memberships bigint NOT NULL DEFAULT 0
);
INSERT INTO user_counts (slot, users, changes) SELECT 0, count(*), 0 FROM users;

-- How often it changed who the members are or what they are called.
ALTER TABLE group_user_counts ADD COLUMN changes bigint NOT NULL DEFAULT 0;

-- Every group has its first slot, by which groups are found and sorted; the others hold what was written while another
-- transaction had that one.
INSERT INTO group_user_counts (group_id, slot, users)
SELECT g.id, 0, coalesce(sum(n.users), 0) FROM groups g LEFT JOIN group_user_counts n ON n.group_id = g.id GROUP BY g.id
ON CONFLICT (group_id, slot) DO UPDATE SET users = excluded.users;
DELETE FROM group_user_counts WHERE slot <> 0;
-- How many groups there are: a sum over slots.
CREATE TABLE group_counts (
    slot smallint NOT NULL PRIMARY KEY,
    groups bigint NOT NULL
);
INSERT INTO group_counts (slot, groups) SELECT 0, count(*) FROM groups;
CREATE FUNCTION guildhall_groups_added () RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO group_user_counts (group_id, slot, users) SELECT id, 0, 0 FROM changed;
    INSERT INTO group_counts (slot, groups) SELECT pg_backend_pid() % 64, count(*) FROM changed
    ON CONFLICT (slot) DO UPDATE SET groups = group_counts.groups + excluded.groups;
    RETURN NULL;
END $$;
CREATE TRIGGER groups_added AFTER INSERT ON groups REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION guildhall_groups_added ();
CREATE FUNCTION guildhall_groups_removed () RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO group_counts (slot, groups) SELECT pg_backend_pid() % 64, -count(*) FROM changed
    ON CONFLICT (slot) DO UPDATE SET groups = group_counts.groups + excluded.groups;
    RETURN NULL;
END $$;
CREATE TRIGGER groups_removed AFTER DELETE ON groups REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION guildhall_groups_removed ();
CREATE INDEX group_user_counts_by_users ON group_user_counts (users, group_id) WHERE slot = 0;
CREATE INDEX group_user_counts_beside ON group_user_counts (group_id) WHERE slot <> 0;

-- How many direct children a group has.
ALTER TABLE groups ADD COLUMN child_group_count bigint NOT NULL DEFAULT 0;
UPDATE groups SET child_group_count = (SELECT count(*) FROM group_children WHERE parent_id = groups.id);

ALTER TABLE groups ADD COLUMN description_key text COLLATE "C";
ALTER TABLE groups ADD COLUMN custom_keys json NOT NULL DEFAULT 'null';

-- An index per field, and the id last, in whose order those are listed that are alike.
CREATE UNIQUE INDEX users_by_username_key ON users (username_key, id);
CREATE INDEX users_by_created ON users (created, id);
CREATE INDEX users_by_modified ON users (modified, id);
CREATE INDEX users_by_last_login ON users (last_login NULLS FIRST, id);
CREATE INDEX users_by_last_failed_login ON users (last_failed_login NULLS FIRST, id);
CREATE INDEX users_by_expiry ON users (expiry NULLS FIRST, id);
CREATE INDEX users_by_password_changed ON users (password_changed NULLS FIRST, id);
CREATE INDEX users_by_password_change_frequency ON users (password_change_frequency NULLS FIRST, id);
CREATE INDEX users_by_provider_kind ON users (provider_kind, id);
CREATE INDEX users_by_failed_login_attempts ON users (failed_login_attempts, id);
CREATE INDEX users_by_failed_login_attempts_since_last_success ON users (failed_login_attempts_since_last_success, id);
CREATE INDEX users_by_successful_login_attempts ON users (successful_login_attempts, id);
CREATE INDEX users_suspended ON users (id) WHERE suspended;
CREATE INDEX users_to_expire ON users (expiry, id) WHERE NOT suspended AND expiry IS NOT NULL;
CREATE INDEX users_locked ON users (id) WHERE locked;
CREATE INDEX users_password_reset_required ON users (id) WHERE password_reset_required;
CREATE INDEX users_to_reset_password ON users (password_due, id) WHERE NOT password_reset_required AND password_due IS NOT NULL;
CREATE INDEX users_opted_out_of_notifications ON users (id) WHERE opt_out_of_notifications;
CREATE INDEX user_search_by_email ON user_search (email_key NULLS FIRST, user_id);
CREATE INDEX user_search_by_first_name ON user_search (first_name_key NULLS FIRST, user_id);
CREATE INDEX user_search_by_last_name ON user_search (last_name_key NULLS FIRST, user_id);
CREATE INDEX user_search_by_timezone ON user_search (timezone_key, user_id);
CREATE INDEX user_search_by_language ON user_search (language_key, user_id);
CREATE INDEX user_search_by_provider_name ON user_search (provider_name_key, user_id);
CREATE UNIQUE INDEX groups_by_name_key ON groups (name_key, id);
CREATE INDEX groups_by_description ON groups (description_key NULLS FIRST, id);
CREATE INDEX groups_by_kind ON groups (kind, id);
CREATE INDEX groups_by_created ON groups (created, id);
CREATE INDEX groups_by_modified ON groups (modified, id);
CREATE INDEX groups_by_child_group_count ON groups (child_group_count, id);
