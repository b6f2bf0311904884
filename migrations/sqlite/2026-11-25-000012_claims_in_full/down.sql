-- Only what the former tables can hold is kept: settlements that are paid, by one payment each.
CREATE TABLE settled_before AS SELECT items.mutual_id, items.claim_id, max(items.settlement_id) AS settlement_id
  FROM settlement_items AS items JOIN settlements ON settlements.mutual_id = items.mutual_id AND settlements.id = items.settlement_id
  WHERE settlements.state = 'PAID' AND settlements.provider_id IS NOT NULL GROUP BY items.mutual_id, items.claim_id;
DROP TABLE advances;
DROP TABLE settlement_payments;
DROP TABLE settlement_items;
DROP TABLE appeals;
DROP TABLE claim_voids;
DROP TABLE claim_decisions;
DROP TABLE claim_reviews;
DROP TABLE claim_links;
DROP TABLE letters;
DROP TABLE care_settings;
CREATE TABLE approvals_new (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('settlement', 'reversal', 'waiver', 'write_off', 'refund', 'expense', 'movement_reversal', 'override', 'reopening')),
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
INSERT INTO approvals_new SELECT * FROM approvals WHERE kind NOT IN ('advance', 'appeal', 'letter');
DROP TABLE approvals;
ALTER TABLE approvals_new RENAME TO approvals;
CREATE TABLE settlements_old (
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
INSERT INTO settlements_old SELECT mutual_id, id, provider_id, number_of_claims, amount_minor, currency, paid_on, recorded_at
  FROM settlements WHERE state = 'PAID' AND provider_id IS NOT NULL;
DROP TABLE settlements;
ALTER TABLE settlements_old RENAME TO settlements;
CREATE INDEX settlements_by_provider ON settlements (mutual_id, provider_id, paid_on);
CREATE TABLE claims_old (
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
INSERT INTO claims_old (mutual_id, id, number, invoice_number, provider_id, member_id, household_id, enrolment_id, mode, visit_type,
  service_on, discharged_on, submitted_on, diagnoses, other_payer_minor, state, outcome, claim_reason, decided_on, decided_by,
  decision_reason, billed_minor, mutual_minor, member_minor, provider_writeoff_minor, other_paid_minor, currency, inputs,
  settlement_id, recorded_at, version)
  SELECT mutual_id, id, number, invoice_number, provider_id, member_id, household_id, enrolment_id, mode, visit_type,
  service_on, discharged_on, submitted_on, diagnoses, other_payer_minor, CASE WHEN state = 'PAID' THEN 'PAID' WHEN outcome = 'pended' THEN 'PENDED' ELSE 'DECIDED' END, outcome, claim_reason, decided_on, decided_by,
  decision_reason, billed_minor, mutual_minor, member_minor, provider_writeoff_minor, other_paid_minor, currency, inputs,
  (SELECT settlement_id FROM settled_before WHERE settled_before.mutual_id = claims.mutual_id AND settled_before.claim_id = claims.id),
  recorded_at, version
  FROM claims;
DROP TABLE claims;
ALTER TABLE claims_old RENAME TO claims;
CREATE INDEX claims_by_member ON claims (mutual_id, member_id, service_on);
CREATE INDEX claims_by_household ON claims (mutual_id, household_id, enrolment_id);
CREATE INDEX claims_by_provider ON claims (mutual_id, provider_id, state, id);
CREATE INDEX claims_by_submission ON claims (mutual_id, submitted_on);
CREATE INDEX claims_by_decision ON claims (mutual_id, decided_on);
DROP TABLE settled_before;
