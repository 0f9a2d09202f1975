DROP TABLE membership_dates;
