-- Care: facilities, services, prices, conventions; claims with their decisions, settlements and second persons.
CREATE TABLE providers (
  id BLOB NOT NULL PRIMARY KEY,
  owner_id BLOB NOT NULL REFERENCES organisations (id),
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  level TEXT NOT NULL,
  sector TEXT NOT NULL CHECK (sector IN ('public', 'private')),
  area_id BLOB NULL REFERENCES areas (id),
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  UNIQUE (owner_id, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE conventions (
  id BLOB NOT NULL PRIMARY KEY,
  provider_id BLOB NOT NULL REFERENCES providers (id),
  party_id BLOB NOT NULL REFERENCES organisations (id),
  valid_from TEXT NOT NULL,
  valid_to TEXT NULL,
  created_at TEXT NOT NULL,
  UNIQUE (provider_id, party_id, valid_from),
  CHECK (valid_to IS NULL OR valid_to >= valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX conventions_by_party ON conventions (party_id);
CREATE TABLE services (
  id BLOB NOT NULL PRIMARY KEY,
  owner_id BLOB NOT NULL REFERENCES organisations (id),
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  category TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('service', 'medicine')),
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  UNIQUE (owner_id, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE tariffs (
  id BLOB NOT NULL PRIMARY KEY,
  owner_id BLOB NOT NULL REFERENCES organisations (id),
  provider_id BLOB NULL REFERENCES providers (id),
  service_id BLOB NOT NULL REFERENCES services (id),
  unit_price_minor INTEGER NOT NULL CHECK (unit_price_minor >= 0),
  currency TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to TEXT NULL,
  created_at TEXT NOT NULL,
  CHECK (valid_to IS NULL OR valid_to >= valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX tariffs_by_service ON tariffs (service_id, provider_id, valid_from);
CREATE TABLE settlements (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  provider_id BLOB NOT NULL REFERENCES providers (id),
  number_of_claims INTEGER NOT NULL CHECK (number_of_claims > 0),
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  paid_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX settlements_by_provider ON settlements (mutual_id, provider_id, paid_on);
CREATE TABLE claims (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  number TEXT NOT NULL,
  invoice_number TEXT NOT NULL,
  provider_id BLOB NOT NULL REFERENCES providers (id),
  member_id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  enrolment_id BLOB NULL,
  mode TEXT NOT NULL CHECK (mode IN ('third_party', 'reimbursement')),
  visit_type TEXT NOT NULL CHECK (visit_type IN ('other', 'emergency', 'referral')),
  service_on TEXT NOT NULL,
  discharged_on TEXT NULL,
  submitted_on TEXT NOT NULL,
  diagnoses TEXT NOT NULL,
  other_payer_minor INTEGER NULL CHECK (other_payer_minor >= 0),
  state TEXT NOT NULL CHECK (state IN ('PENDED', 'DECIDED', 'PAID')),
  outcome TEXT NOT NULL CHECK (outcome IN ('approved', 'partially_approved', 'rejected', 'pended')),
  claim_reason TEXT NULL,
  decided_on TEXT NULL,
  decided_by BLOB NULL,
  decision_reason TEXT NULL,
  billed_minor INTEGER NOT NULL CHECK (billed_minor >= 0),
  mutual_minor INTEGER NOT NULL CHECK (mutual_minor >= 0),
  member_minor INTEGER NOT NULL CHECK (member_minor >= 0),
  provider_writeoff_minor INTEGER NOT NULL CHECK (provider_writeoff_minor >= 0),
  other_paid_minor INTEGER NOT NULL CHECK (other_paid_minor >= 0),
  currency TEXT NOT NULL,
  inputs TEXT NOT NULL,
  settlement_id BLOB NULL,
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, number),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id),
  FOREIGN KEY (mutual_id, settlement_id) REFERENCES settlements (mutual_id, id),
  CHECK ((state = 'PENDED') = (outcome = 'pended')),
  CHECK (state = 'PENDED' OR billed_minor = mutual_minor + member_minor + provider_writeoff_minor + other_paid_minor),
  CHECK ((state = 'PAID') = (settlement_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_member ON claims (mutual_id, member_id, service_on);
CREATE INDEX claims_by_household ON claims (mutual_id, household_id, enrolment_id);
CREATE INDEX claims_by_provider ON claims (mutual_id, provider_id, state, id);
CREATE INDEX claims_by_submission ON claims (mutual_id, submitted_on);
CREATE INDEX claims_by_decision ON claims (mutual_id, decided_on);
CREATE TABLE claim_lines (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  claim_id BLOB NOT NULL,
  line INTEGER NOT NULL,
  service_id BLOB NOT NULL REFERENCES services (id),
  category TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  unit_price_minor INTEGER NOT NULL CHECK (unit_price_minor >= 0),
  approved_quantity INTEGER NULL CHECK (approved_quantity >= 0),
  allowed_unit_minor INTEGER NULL,
  mutual_minor INTEGER NULL,
  member_minor INTEGER NULL,
  provider_writeoff_minor INTEGER NULL,
  other_paid_minor INTEGER NULL,
  reasons TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, claim_id, line),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id),
  CHECK (mutual_minor IS NULL OR quantity * unit_price_minor = mutual_minor + member_minor + provider_writeoff_minor + other_paid_minor)
) STRICT, WITHOUT ROWID;
CREATE TABLE claim_numbers (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  provider_id BLOB NOT NULL REFERENCES providers (id),
  number TEXT NOT NULL,
  claim_id BLOB NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, provider_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE approvals (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('settlement')),
  request TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'refused')),
  requested_by BLOB NOT NULL,
  requested_at TEXT NOT NULL,
  decided_by BLOB NULL,
  decided_at TEXT NULL,
  reason TEXT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  CHECK ((state = 'requested') = (decided_by IS NULL)),
  CHECK (decided_by IS NULL OR decided_by <> requested_by)
) STRICT, WITHOUT ROWID;
