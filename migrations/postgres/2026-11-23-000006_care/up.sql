-- Care: facilities, services, prices, conventions; claims with their decisions, settlements and second persons.
CREATE TABLE providers (
  id uuid NOT NULL PRIMARY KEY,
  owner_id uuid NOT NULL REFERENCES organisations (id),
  code text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  level text COLLATE "C" NOT NULL,
  sector text COLLATE "C" NOT NULL CHECK (sector IN ('public', 'private')),
  area_id uuid NULL REFERENCES areas (id),
  created_at timestamp NOT NULL,
  version bigint NOT NULL,
  UNIQUE (owner_id, code)
);
CREATE TABLE conventions (
  id uuid NOT NULL PRIMARY KEY,
  provider_id uuid NOT NULL REFERENCES providers (id),
  party_id uuid NOT NULL REFERENCES organisations (id),
  valid_from date NOT NULL,
  valid_to date NULL,
  created_at timestamp NOT NULL,
  UNIQUE (provider_id, party_id, valid_from),
  CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE INDEX conventions_by_party ON conventions (party_id);
CREATE TABLE services (
  id uuid NOT NULL PRIMARY KEY,
  owner_id uuid NOT NULL REFERENCES organisations (id),
  code text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  category text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('service', 'medicine')),
  created_at timestamp NOT NULL,
  version bigint NOT NULL,
  UNIQUE (owner_id, code)
);
CREATE TABLE tariffs (
  id uuid NOT NULL PRIMARY KEY,
  owner_id uuid NOT NULL REFERENCES organisations (id),
  provider_id uuid NULL REFERENCES providers (id),
  service_id uuid NOT NULL REFERENCES services (id),
  unit_price_minor bigint NOT NULL CHECK (unit_price_minor >= 0),
  currency text COLLATE "C" NOT NULL,
  valid_from date NOT NULL,
  valid_to date NULL,
  created_at timestamp NOT NULL,
  CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE INDEX tariffs_by_service ON tariffs (service_id, provider_id, valid_from);
CREATE TABLE settlements (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  provider_id uuid NOT NULL REFERENCES providers (id),
  number_of_claims bigint NOT NULL CHECK (number_of_claims > 0),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text COLLATE "C" NOT NULL,
  paid_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id)
);
CREATE INDEX settlements_by_provider ON settlements (mutual_id, provider_id, paid_on);
CREATE TABLE claims (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  number text COLLATE "C" NOT NULL,
  invoice_number text COLLATE "C" NOT NULL,
  provider_id uuid NOT NULL REFERENCES providers (id),
  member_id uuid NOT NULL,
  household_id uuid NOT NULL,
  enrolment_id uuid NULL,
  mode text COLLATE "C" NOT NULL CHECK (mode IN ('third_party', 'reimbursement')),
  visit_type text COLLATE "C" NOT NULL CHECK (visit_type IN ('other', 'emergency', 'referral')),
  service_on date NOT NULL,
  discharged_on date NULL,
  submitted_on date NOT NULL,
  diagnoses text COLLATE "C" NOT NULL,
  other_payer_minor bigint NULL CHECK (other_payer_minor >= 0),
  state text COLLATE "C" NOT NULL CHECK (state IN ('PENDED', 'DECIDED', 'PAID')),
  outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('approved', 'partially_approved', 'rejected', 'pended')),
  claim_reason text COLLATE "C" NULL,
  decided_on date NULL,
  decided_by uuid NULL,
  decision_reason text COLLATE "C" NULL,
  billed_minor bigint NOT NULL CHECK (billed_minor >= 0),
  mutual_minor bigint NOT NULL CHECK (mutual_minor >= 0),
  member_minor bigint NOT NULL CHECK (member_minor >= 0),
  provider_writeoff_minor bigint NOT NULL CHECK (provider_writeoff_minor >= 0),
  other_paid_minor bigint NOT NULL CHECK (other_paid_minor >= 0),
  currency text COLLATE "C" NOT NULL,
  inputs text COLLATE "C" NOT NULL,
  settlement_id uuid NULL,
  recorded_at timestamp NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, number),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id),
  FOREIGN KEY (mutual_id, settlement_id) REFERENCES settlements (mutual_id, id),
  CHECK ((state = 'PENDED') = (outcome = 'pended')),
  CHECK (state = 'PENDED' OR billed_minor = mutual_minor + member_minor + provider_writeoff_minor + other_paid_minor),
  CHECK ((state = 'PAID') = (settlement_id IS NOT NULL))
);
CREATE INDEX claims_by_member ON claims (mutual_id, member_id, service_on);
CREATE INDEX claims_by_household ON claims (mutual_id, household_id, enrolment_id);
CREATE INDEX claims_by_provider ON claims (mutual_id, provider_id, state, id);
CREATE INDEX claims_by_submission ON claims (mutual_id, submitted_on);
CREATE INDEX claims_by_decision ON claims (mutual_id, decided_on);
CREATE TABLE claim_lines (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  claim_id uuid NOT NULL,
  line integer NOT NULL,
  service_id uuid NOT NULL REFERENCES services (id),
  category text COLLATE "C" NOT NULL,
  quantity bigint NOT NULL CHECK (quantity > 0),
  unit_price_minor bigint NOT NULL CHECK (unit_price_minor >= 0),
  approved_quantity bigint NULL CHECK (approved_quantity >= 0),
  allowed_unit_minor bigint NULL,
  mutual_minor bigint NULL,
  member_minor bigint NULL,
  provider_writeoff_minor bigint NULL,
  other_paid_minor bigint NULL,
  reasons text COLLATE "C" NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, claim_id, line),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id),
  CHECK (mutual_minor IS NULL OR quantity * unit_price_minor = mutual_minor + member_minor + provider_writeoff_minor + other_paid_minor)
);
CREATE TABLE claim_numbers (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  provider_id uuid NOT NULL REFERENCES providers (id),
  number text COLLATE "C" NOT NULL,
  claim_id uuid NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, provider_id, number)
);
CREATE TABLE approvals (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('settlement')),
  request text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('requested', 'approved', 'refused')),
  requested_by uuid NOT NULL,
  requested_at timestamp NOT NULL,
  decided_by uuid NULL,
  decided_at timestamp NULL,
  reason text COLLATE "C" NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  CHECK ((state = 'requested') = (decided_by IS NULL)),
  CHECK (decided_by IS NULL OR decided_by <> requested_by)
);

-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE settlements ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON settlements USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE claims ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON claims USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE claim_lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON claim_lines USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE claim_numbers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON claim_numbers USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE approvals ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON approvals USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));

-- What happened is never edited by the program.
REVOKE UPDATE, DELETE ON settlements, claim_numbers FROM ayni_app;
