-- An index row holds 2,704 bytes after compression, and a description has up to 32 KiB that may not compress.
DROP INDEX groups_by_description;
