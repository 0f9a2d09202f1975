"""What a user would pick instead, on the same users, groups and questions."""
