-- The money: dues, payments, receipts, reversals, allocations, accounts and transfers. Nothing here is ever edited.
CREATE TABLE dues (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  household_id uuid NOT NULL,
  enrolment_id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('REGISTRATION', 'CONTRIBUTION', 'OTHER')),
  payer text COLLATE "C" NOT NULL,
  due_on date NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text COLLATE "C" NOT NULL,
  issued_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id)
);
CREATE INDEX dues_by_household ON dues (mutual_id, household_id, due_on, id);
CREATE INDEX dues_by_date ON dues (mutual_id, due_on, id);
CREATE TABLE cash_desks (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  code text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, code)
);
CREATE TABLE receipts (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  series_id uuid NULL,
  number bigint NULL,
  label text COLLATE "C" NOT NULL,
  issued_on date NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, label),
  UNIQUE (mutual_id, series_id, number),
  FOREIGN KEY (mutual_id, series_id) REFERENCES series (mutual_id, id),
  CHECK ((series_id IS NULL) = (number IS NULL))
);
CREATE TABLE payments (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  household_id uuid NOT NULL,
  cash_desk_id uuid NULL,
  receipt_id uuid NOT NULL,
  method text COLLATE "C" NOT NULL CHECK (method IN ('cash', 'bank', 'mobile', 'payroll')),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text COLLATE "C" NOT NULL,
  received_on date NOT NULL,
  reference text COLLATE "C" NULL,
  recorded_by uuid NULL,
  posted_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, receipt_id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, cash_desk_id) REFERENCES cash_desks (mutual_id, id),
  FOREIGN KEY (mutual_id, receipt_id) REFERENCES receipts (mutual_id, id)
);
CREATE INDEX payments_by_household ON payments (mutual_id, household_id, received_on, id);
CREATE INDEX payments_by_date ON payments (mutual_id, received_on, id);
CREATE TABLE reversals (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  payment_id uuid NOT NULL,
  household_id uuid NOT NULL,
  receipt_id uuid NOT NULL,
  reason text COLLATE "C" NOT NULL,
  reversed_on date NOT NULL,
  recorded_by uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, payment_id),
  UNIQUE (mutual_id, receipt_id),
  FOREIGN KEY (mutual_id, payment_id) REFERENCES payments (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, receipt_id) REFERENCES receipts (mutual_id, id)
);
CREATE INDEX reversals_by_household ON reversals (mutual_id, household_id);
CREATE TABLE allocations (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  household_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  reversal_id uuid NULL,
  due_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  counts_on date NOT NULL,
  revision bigint NOT NULL,
  ordinal integer NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, household_id, revision, ordinal),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, payment_id) REFERENCES payments (mutual_id, id),
  FOREIGN KEY (mutual_id, reversal_id) REFERENCES reversals (mutual_id, id),
  FOREIGN KEY (mutual_id, due_id) REFERENCES dues (mutual_id, id),
  CHECK ((reversal_id IS NULL AND amount_minor > 0) OR (reversal_id IS NOT NULL AND amount_minor < 0))
);
CREATE INDEX allocations_by_due ON allocations (mutual_id, due_id);
CREATE INDEX allocations_by_payment ON allocations (mutual_id, payment_id);
CREATE TABLE accounts (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  book text COLLATE "C" NOT NULL,
  code text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense')),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, book, code),
  UNIQUE (mutual_id, book, id)
);
CREATE TABLE transfers (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  book text COLLATE "C" NOT NULL,
  debit_account_id uuid NOT NULL,
  credit_account_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  command_id uuid NOT NULL,
  ordinal integer NOT NULL,
  payment_id uuid NULL,
  due_id uuid NULL,
  claim_id uuid NULL,
  settlement_id uuid NULL,
  reverses_id uuid NULL,
  posted_on date NOT NULL,
  value_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, command_id, ordinal),
  UNIQUE (mutual_id, reverses_id),
  FOREIGN KEY (mutual_id, book, debit_account_id) REFERENCES accounts (mutual_id, book, id),
  FOREIGN KEY (mutual_id, book, credit_account_id) REFERENCES accounts (mutual_id, book, id),
  FOREIGN KEY (mutual_id, payment_id) REFERENCES payments (mutual_id, id),
  FOREIGN KEY (mutual_id, due_id) REFERENCES dues (mutual_id, id),
  FOREIGN KEY (mutual_id, reverses_id) REFERENCES transfers (mutual_id, id),
  CHECK (debit_account_id <> credit_account_id)
);
CREATE INDEX transfers_by_payment ON transfers (mutual_id, payment_id);
CREATE INDEX transfers_by_claim ON transfers (mutual_id, claim_id);
CREATE INDEX transfers_by_settlement ON transfers (mutual_id, settlement_id);
CREATE INDEX transfers_by_debit ON transfers (mutual_id, debit_account_id, posted_on);
CREATE INDEX transfers_by_credit ON transfers (mutual_id, credit_account_id, posted_on);

-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE dues ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON dues USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE cash_desks ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON cash_desks USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE receipts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON receipts USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE payments ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON payments USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE reversals ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON reversals USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE allocations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON allocations USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON accounts USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE transfers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON transfers USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));

-- What happened is never edited by the program.
REVOKE UPDATE, DELETE ON dues, receipts, payments, reversals, allocations, transfers FROM ayni_app;
