-- Long work as jobs of a mutual: a lease says who is at it and until when, so that another goes on where a killed server
-- stopped. Invoices of facilities: what was sent, the claims to be, one for each certificate, and the steps of each invoice.
CREATE TABLE jobs (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('invoice', 'import', 'export')),
  subject_id BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
  done INTEGER NOT NULL CHECK (done >= 0),
  total INTEGER NOT NULL CHECK (total >= done),
  failures INTEGER NOT NULL CHECK (failures >= 0),
  lease_by BLOB NULL,
  lease_until TEXT NULL,
  result TEXT NULL,
  asked_by BLOB NULL,
  queued_at TEXT NOT NULL,
  ended_at TEXT NULL,
  PRIMARY KEY (mutual_id, id),
  CHECK ((state = 'RUNNING') = (lease_by IS NOT NULL)),
  CHECK ((lease_by IS NULL) = (lease_until IS NULL)),
  CHECK ((ended_at IS NULL) = (state IN ('QUEUED', 'RUNNING')))
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_state ON jobs (mutual_id, state, id);
CREATE TABLE invoices (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  provider_id BLOB NOT NULL REFERENCES providers (id),
  number TEXT NOT NULL,
  month_on TEXT NOT NULL,
  received_on TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('RECEIVED', 'IN_CONTROL', 'ACCEPTED', 'DISPUTED')),
  sendings INTEGER NOT NULL CHECK (sendings >= 1),
  certificates INTEGER NOT NULL CHECK (certificates >= 0),
  currency TEXT NOT NULL,
  job_id BLOB NOT NULL,
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, provider_id, number),
  FOREIGN KEY (mutual_id, job_id) REFERENCES jobs (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX invoices_by_state ON invoices (mutual_id, state, id);
CREATE TABLE invoice_sendings (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  invoice_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
  sent_on TEXT NOT NULL,
  sent_by BLOB NULL,
  by_provider INTEGER NOT NULL CHECK (by_provider IN (0, 1)),
  number_of_rows INTEGER NOT NULL CHECK (number_of_rows >= 1),
  header TEXT NOT NULL,
  delimiter TEXT NOT NULL CHECK (delimiter IN (',', ';')),
  hash BLOB NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, invoice_id, ordinal),
  FOREIGN KEY (mutual_id, invoice_id) REFERENCES invoices (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE invoice_claims (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  invoice_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
  certificate TEXT NOT NULL,
  sending INTEGER NOT NULL CHECK (sending >= 1),
  job_id BLOB NOT NULL,
  content TEXT NOT NULL,
  result TEXT NOT NULL CHECK (result IN ('waiting', 'claimed', 'known', 'differs', 'bad')),
  claim_id BLOB NULL,
  faults TEXT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, invoice_id, certificate),
  UNIQUE (mutual_id, invoice_id, ordinal),
  UNIQUE (mutual_id, claim_id),
  FOREIGN KEY (mutual_id, invoice_id) REFERENCES invoices (mutual_id, id),
  FOREIGN KEY (mutual_id, job_id) REFERENCES jobs (mutual_id, id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id),
  CHECK ((claim_id IS NULL) = (result IN ('waiting', 'bad'))),
  CHECK ((faults IS NULL) = (result NOT IN ('bad', 'differs')))
) STRICT, WITHOUT ROWID;
CREATE INDEX invoice_claims_by_claim ON invoice_claims (mutual_id, claim_id);
CREATE INDEX invoice_claims_by_result ON invoice_claims (mutual_id, invoice_id, result, ordinal);
CREATE INDEX invoice_claims_by_job ON invoice_claims (mutual_id, job_id, result, ordinal);
CREATE TABLE invoice_steps (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  invoice_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
  state TEXT NOT NULL CHECK (state IN ('RECEIVED', 'IN_CONTROL', 'ACCEPTED', 'DISPUTED')),
  taken_on TEXT NOT NULL,
  taken_by BLOB NULL,
  reason TEXT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, invoice_id, ordinal),
  FOREIGN KEY (mutual_id, invoice_id) REFERENCES invoices (mutual_id, id),
  CHECK (state <> 'DISPUTED' OR reason IS NOT NULL)
) STRICT, WITHOUT ROWID;
