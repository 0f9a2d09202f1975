DROP TABLE kept_answer_counts;
