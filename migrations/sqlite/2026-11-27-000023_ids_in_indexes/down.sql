-- Every index of a table without row numbers ends with the table's key: nothing is to be done on SQLite.
SELECT 1;
