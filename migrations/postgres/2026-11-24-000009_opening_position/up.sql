-- The opening position of a mutual that goes live in mid-year: what its members had used of their cover year, what stood in
-- its books, and the numbers with which it goes on.
CREATE TABLE opening_usages (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  household_id uuid NOT NULL,
  enrolment_id uuid NOT NULL,
  member_id uuid NOT NULL,
  category text COLLATE "C" NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  quantity bigint NOT NULL CHECK (quantity >= 0),
  recorded_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, enrolment_id, member_id, category),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (amount_minor > 0 OR quantity > 0)
);
ALTER TABLE opening_usages ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON opening_usages USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
REVOKE UPDATE, DELETE ON opening_usages FROM ayni_app;

-- What stood in the books on the day of going live came from the mutual's own funds.
ALTER TABLE accounts DROP CONSTRAINT accounts_kind_check;
ALTER TABLE accounts ADD CONSTRAINT accounts_kind_check CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense'));

-- A series may begin where paper ended.
ALTER TABLE series ADD COLUMN first_number bigint NOT NULL DEFAULT 1 CHECK (first_number >= 1);
