-- Answers to requests with an idempotency key: by the digest of the caller and the key, encrypted, until they expire. They are not removed with their
-- caller, who may be deleted by such a request.
CREATE TABLE kept_answers (
    request BLOB NOT NULL PRIMARY KEY CHECK (length(request) = 32),
    answer BLOB NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX kept_answers_by_expiry ON kept_answers (expires);
