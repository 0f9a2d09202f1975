-- Answers to requests with an idempotency key: by the digest of the caller and the key, encrypted, until they expire. They are not removed with their
-- caller, who may be deleted by such a request.
CREATE TABLE kept_answers (
    request bytea NOT NULL PRIMARY KEY CHECK (octet_length(request) = 32),
    answer bytea NOT NULL,
    expires bigint NOT NULL
);
-- What is encrypted cannot be compressed.
ALTER TABLE kept_answers ALTER COLUMN answer SET STORAGE EXTERNAL;
CREATE INDEX kept_answers_by_expiry ON kept_answers (expires);
