-- The money: dues, payments, receipts, reversals, allocations, accounts and transfers. Nothing here is ever edited.
CREATE TABLE dues (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  enrolment_id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('REGISTRATION', 'CONTRIBUTION', 'OTHER')),
  payer TEXT NOT NULL,
  due_on TEXT NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  issued_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dues_by_household ON dues (mutual_id, household_id, due_on, id);
CREATE INDEX dues_by_date ON dues (mutual_id, due_on, id);
CREATE TABLE cash_desks (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE receipts (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  series_id BLOB NULL,
  number INTEGER NULL,
  label TEXT NOT NULL,
  issued_on TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, label),
  UNIQUE (mutual_id, series_id, number),
  FOREIGN KEY (mutual_id, series_id) REFERENCES series (mutual_id, id),
  CHECK ((series_id IS NULL) = (number IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE payments (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  cash_desk_id BLOB NULL,
  receipt_id BLOB NOT NULL,
  method TEXT NOT NULL CHECK (method IN ('cash', 'bank', 'mobile', 'payroll')),
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  received_on TEXT NOT NULL,
  reference TEXT NULL,
  recorded_by BLOB NULL,
  posted_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, receipt_id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, cash_desk_id) REFERENCES cash_desks (mutual_id, id),
  FOREIGN KEY (mutual_id, receipt_id) REFERENCES receipts (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_by_household ON payments (mutual_id, household_id, received_on, id);
CREATE INDEX payments_by_date ON payments (mutual_id, received_on, id);
CREATE TABLE reversals (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  payment_id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  receipt_id BLOB NOT NULL,
  reason TEXT NOT NULL,
  reversed_on TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, payment_id),
  UNIQUE (mutual_id, receipt_id),
  FOREIGN KEY (mutual_id, payment_id) REFERENCES payments (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, receipt_id) REFERENCES receipts (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reversals_by_household ON reversals (mutual_id, household_id);
CREATE TABLE allocations (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  payment_id BLOB NOT NULL,
  reversal_id BLOB NULL,
  due_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL,
  counts_on TEXT NOT NULL,
  revision INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, household_id, revision, ordinal),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, payment_id) REFERENCES payments (mutual_id, id),
  FOREIGN KEY (mutual_id, reversal_id) REFERENCES reversals (mutual_id, id),
  FOREIGN KEY (mutual_id, due_id) REFERENCES dues (mutual_id, id),
  CHECK ((reversal_id IS NULL AND amount_minor > 0) OR (reversal_id IS NOT NULL AND amount_minor < 0))
) STRICT, WITHOUT ROWID;
CREATE INDEX allocations_by_due ON allocations (mutual_id, due_id);
CREATE INDEX allocations_by_payment ON allocations (mutual_id, payment_id);
CREATE TABLE accounts (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  book TEXT NOT NULL,
  code TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense')),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, book, code),
  UNIQUE (mutual_id, book, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE transfers (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  book TEXT NOT NULL,
  debit_account_id BLOB NOT NULL,
  credit_account_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  event TEXT NOT NULL,
  command_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL,
  payment_id BLOB NULL,
  due_id BLOB NULL,
  claim_id BLOB NULL,
  settlement_id BLOB NULL,
  reverses_id BLOB NULL,
  posted_on TEXT NOT NULL,
  value_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, command_id, ordinal),
  UNIQUE (mutual_id, reverses_id),
  FOREIGN KEY (mutual_id, book, debit_account_id) REFERENCES accounts (mutual_id, book, id),
  FOREIGN KEY (mutual_id, book, credit_account_id) REFERENCES accounts (mutual_id, book, id),
  FOREIGN KEY (mutual_id, payment_id) REFERENCES payments (mutual_id, id),
  FOREIGN KEY (mutual_id, due_id) REFERENCES dues (mutual_id, id),
  FOREIGN KEY (mutual_id, reverses_id) REFERENCES transfers (mutual_id, id),
  CHECK (debit_account_id <> credit_account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX transfers_by_payment ON transfers (mutual_id, payment_id);
CREATE INDEX transfers_by_claim ON transfers (mutual_id, claim_id);
CREATE INDEX transfers_by_settlement ON transfers (mutual_id, settlement_id);
CREATE INDEX transfers_by_debit ON transfers (mutual_id, debit_account_id, posted_on);
CREATE INDEX transfers_by_credit ON transfers (mutual_id, credit_account_id, posted_on);
