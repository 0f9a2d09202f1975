DROP TABLE group_closure;
DROP TABLE group_children;
DROP TABLE group_user_counts;
DROP TABLE group_users;
DROP TABLE group_email_domains;
DROP TABLE groups;
DROP TABLE user_identifiers;
DROP TABLE users;
