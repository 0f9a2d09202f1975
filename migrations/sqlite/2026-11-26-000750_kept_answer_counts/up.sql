-- How many answers to requests with an idempotency key are kept for each caller, and their bytes: those that expire at about the same time are counted
-- together, and no more once all of them have expired. The one slot is 0. Nothing refers to the user: what was kept before they were deleted expires.
-- Answers that are there already count for nobody.
CREATE TABLE kept_answer_counts (
    caller BLOB NOT NULL CHECK (length(caller) = 16),
    ends INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    answers INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (caller, ends, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_answer_counts_by_end ON kept_answer_counts (ends);
