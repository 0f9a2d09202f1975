-- How many answers to requests with an idempotency key are kept for each caller, and their bytes: those that expire at about the same time are counted
-- together, and no more once all of them have expired. The count is the sum over the slots, so that transactions of one caller at the same time change
-- different rows. Nothing refers to the user: what was kept before they were deleted expires. Answers that are there already count for nobody.
CREATE TABLE kept_answer_counts (
    caller uuid NOT NULL,
    ends bigint NOT NULL,
    slot smallint NOT NULL,
    answers bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (caller, ends, slot)
)
-- Every change of a count replaces its row: there is room for the next one on the same page.
WITH (fillfactor = 50);
CREATE INDEX kept_answer_counts_by_end ON kept_answer_counts (ends);
