ALTER TABLE series DROP COLUMN first_number;
DROP TABLE opening_usages;
CREATE TABLE accounts_old (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  book TEXT NOT NULL,
  code TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense')),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, book, code),
  UNIQUE (mutual_id, book, id)
) STRICT, WITHOUT ROWID;
INSERT INTO accounts_old SELECT mutual_id, id, book, code, CASE kind WHEN 'equity' THEN 'liability' ELSE kind END FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_old RENAME TO accounts;
