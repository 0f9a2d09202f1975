-- Nothing to do: an index row of SQLite holds any text. Both databases have the same migrations.
SELECT 1;
