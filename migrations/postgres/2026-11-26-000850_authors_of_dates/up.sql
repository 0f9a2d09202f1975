-- Dates that are yet to come, by who gave them.
CREATE INDEX membership_dates_by_author ON membership_dates (added_by) WHERE next_at IS NOT NULL;
