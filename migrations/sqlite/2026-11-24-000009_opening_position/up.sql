-- The opening position of a mutual that goes live in mid-year: what its members had used of their cover year, what stood in
-- its books, and the numbers with which it goes on.
CREATE TABLE opening_usages (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  enrolment_id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  category TEXT NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
  quantity INTEGER NOT NULL CHECK (quantity >= 0),
  recorded_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, enrolment_id, member_id, category),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (amount_minor > 0 OR quantity > 0)
) STRICT, WITHOUT ROWID;

-- What stood in the books on the day of going live came from the mutual's own funds.
CREATE TABLE accounts_new (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  book TEXT NOT NULL,
  code TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense')),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, book, code),
  UNIQUE (mutual_id, book, id)
) STRICT, WITHOUT ROWID;
INSERT INTO accounts_new SELECT mutual_id, id, book, code, kind FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_new RENAME TO accounts;

-- A series may begin where paper ended.
ALTER TABLE series ADD COLUMN first_number INTEGER NOT NULL DEFAULT 1 CHECK (first_number >= 1);
