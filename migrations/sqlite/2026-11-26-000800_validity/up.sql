-- From when until when memberships and edges between groups count, of those that have such dates. What counts at present is in group_users and
-- group_children alone. `next_at` is when the row has an effect next: the beginning, until it has come, then the end. A row whose beginning has not come
-- beside one that counts tells when that ends.
CREATE TABLE membership_dates (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id BLOB REFERENCES users (id) ON DELETE CASCADE,
    child_id BLOB REFERENCES groups (id) ON DELETE CASCADE,
    valid_from INTEGER,
    valid_until INTEGER,
    added INTEGER NOT NULL,
    added_by BLOB,
    next_at INTEGER,
    UNIQUE (group_id, user_id),
    UNIQUE (group_id, child_id),
    CHECK ((user_id IS NULL) <> (child_id IS NULL)),
    CHECK (valid_from < valid_until)
) STRICT;
CREATE INDEX membership_dates_by_user ON membership_dates (user_id, group_id);
CREATE INDEX membership_dates_by_child ON membership_dates (child_id, group_id);
CREATE INDEX membership_dates_by_next ON membership_dates (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX membership_dates_of_later_children ON membership_dates (group_id, child_id) WHERE child_id IS NOT NULL AND next_at = valid_from;
