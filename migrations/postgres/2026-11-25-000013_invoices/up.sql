-- Long work as jobs of a mutual: a lease says who is at it and until when, so that another goes on where a killed server
-- stopped. Invoices of facilities: what was sent, the claims to be, one for each certificate, and the steps of each invoice.
CREATE TABLE jobs (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('invoice', 'import', 'export')),
  subject_id uuid NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
  done bigint NOT NULL CHECK (done >= 0),
  total bigint NOT NULL CHECK (total >= done),
  failures integer NOT NULL CHECK (failures >= 0),
  lease_by uuid NULL,
  lease_until timestamp NULL,
  result text COLLATE "C" NULL,
  asked_by uuid NULL,
  queued_at timestamp NOT NULL,
  ended_at timestamp NULL,
  PRIMARY KEY (mutual_id, id),
  CHECK ((state = 'RUNNING') = (lease_by IS NOT NULL)),
  CHECK ((lease_by IS NULL) = (lease_until IS NULL)),
  CHECK ((ended_at IS NULL) = (state IN ('QUEUED', 'RUNNING')))
);
CREATE INDEX jobs_by_state ON jobs (mutual_id, state, id);
CREATE TABLE invoices (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  provider_id uuid NOT NULL REFERENCES providers (id),
  number text COLLATE "C" NOT NULL,
  month_on date NOT NULL,
  received_on date NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('RECEIVED', 'IN_CONTROL', 'ACCEPTED', 'DISPUTED')),
  sendings integer NOT NULL CHECK (sendings >= 1),
  certificates bigint NOT NULL CHECK (certificates >= 0),
  currency text COLLATE "C" NOT NULL,
  job_id uuid NOT NULL,
  recorded_at timestamp NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, provider_id, number),
  FOREIGN KEY (mutual_id, job_id) REFERENCES jobs (mutual_id, id)
);
CREATE INDEX invoices_by_state ON invoices (mutual_id, state, id);
CREATE TABLE invoice_sendings (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  invoice_id uuid NOT NULL,
  ordinal integer NOT NULL CHECK (ordinal >= 1),
  sent_on date NOT NULL,
  sent_by uuid NULL,
  by_provider boolean NOT NULL,
  number_of_rows bigint NOT NULL CHECK (number_of_rows >= 1),
  header text COLLATE "C" NOT NULL,
  delimiter text COLLATE "C" NOT NULL CHECK (delimiter IN (',', ';')),
  hash bytea NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, invoice_id, ordinal),
  FOREIGN KEY (mutual_id, invoice_id) REFERENCES invoices (mutual_id, id)
);
CREATE TABLE invoice_claims (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  invoice_id uuid NOT NULL,
  ordinal integer NOT NULL CHECK (ordinal >= 1),
  certificate text COLLATE "C" NOT NULL,
  sending integer NOT NULL CHECK (sending >= 1),
  job_id uuid NOT NULL,
  content text COLLATE "C" NOT NULL,
  result text COLLATE "C" NOT NULL CHECK (result IN ('waiting', 'claimed', 'known', 'differs', 'bad')),
  claim_id uuid NULL,
  faults text COLLATE "C" NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, invoice_id, certificate),
  UNIQUE (mutual_id, invoice_id, ordinal),
  UNIQUE (mutual_id, claim_id),
  FOREIGN KEY (mutual_id, invoice_id) REFERENCES invoices (mutual_id, id),
  FOREIGN KEY (mutual_id, job_id) REFERENCES jobs (mutual_id, id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id),
  CHECK ((claim_id IS NULL) = (result IN ('waiting', 'bad'))),
  CHECK ((faults IS NULL) = (result NOT IN ('bad', 'differs')))
);
CREATE INDEX invoice_claims_by_claim ON invoice_claims (mutual_id, claim_id);
CREATE INDEX invoice_claims_by_result ON invoice_claims (mutual_id, invoice_id, result, ordinal);
CREATE INDEX invoice_claims_by_job ON invoice_claims (mutual_id, job_id, result, ordinal);
CREATE TABLE invoice_steps (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  invoice_id uuid NOT NULL,
  ordinal integer NOT NULL CHECK (ordinal >= 1),
  state text COLLATE "C" NOT NULL CHECK (state IN ('RECEIVED', 'IN_CONTROL', 'ACCEPTED', 'DISPUTED')),
  taken_on date NOT NULL,
  taken_by uuid NULL,
  reason text COLLATE "C" NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, invoice_id, ordinal),
  FOREIGN KEY (mutual_id, invoice_id) REFERENCES invoices (mutual_id, id),
  CHECK (state <> 'DISPUTED' OR reason IS NOT NULL)
);

-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON jobs USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE invoices ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON invoices USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE invoice_sendings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON invoice_sendings USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE invoice_claims ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON invoice_claims USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE invoice_steps ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON invoice_steps USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));

-- What happened is never edited by the program.
REVOKE UPDATE, DELETE ON invoice_sendings, invoice_steps FROM ayni_app;
