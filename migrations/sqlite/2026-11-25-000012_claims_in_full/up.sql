-- Claims in full: letters, review, appeals, voids and resubmissions, settlements that are paid in parts, advances.
CREATE TABLE settled_before AS SELECT mutual_id, id AS claim_id, settlement_id, mutual_minor AS amount_minor
  FROM claims WHERE settlement_id IS NOT NULL;
CREATE TABLE settlements_new (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  provider_id BLOB NULL REFERENCES providers (id),
  number_of_claims INTEGER NOT NULL CHECK (number_of_claims > 0),
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  paid_on TEXT NULL,
  recorded_at TEXT NOT NULL,
  household_id BLOB NULL,
  advance_offset_minor INTEGER NOT NULL CHECK (advance_offset_minor BETWEEN 0 AND amount_minor),
  paid_minor INTEGER NOT NULL CHECK (paid_minor BETWEEN 0 AND amount_minor - advance_offset_minor),
  state TEXT NOT NULL CHECK (state IN ('APPROVED', 'PART_PAID', 'PAID', 'DISPUTED', 'CANCELLED')),
  approved_on TEXT NOT NULL,
  reason TEXT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  CHECK ((provider_id IS NULL) <> (household_id IS NULL)),
  CHECK ((state = 'PAID') = (paid_on IS NOT NULL)),
  CHECK (state <> 'PAID' OR paid_minor = amount_minor - advance_offset_minor)
) STRICT, WITHOUT ROWID;
INSERT INTO settlements_new (mutual_id, id, provider_id, number_of_claims, amount_minor, currency, paid_on, recorded_at,
  advance_offset_minor, paid_minor, state, approved_on, version)
  SELECT mutual_id, id, provider_id, number_of_claims, amount_minor, currency, paid_on, recorded_at, 0, amount_minor, 'PAID',
  paid_on, 1 FROM settlements;
DROP TABLE settlements;
ALTER TABLE settlements_new RENAME TO settlements;
CREATE INDEX settlements_by_provider ON settlements (mutual_id, provider_id, paid_on);
CREATE INDEX settlements_by_household ON settlements (mutual_id, household_id);
CREATE TABLE claims_new (
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
  state TEXT NOT NULL CHECK (state IN ('PENDED', 'DECIDED', 'BATCHED', 'PAID', 'VOIDED')),
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
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  settled_minor INTEGER NOT NULL CHECK (settled_minor >= 0),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, number),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id),
  CHECK (state = 'VOIDED' OR (state = 'PENDED') = (outcome = 'pended')),
  CHECK (outcome = 'pended' OR billed_minor = mutual_minor + member_minor + provider_writeoff_minor + other_paid_minor),
  CHECK (state <> 'PAID' OR (settled_minor = mutual_minor AND settled_minor > 0))
) STRICT, WITHOUT ROWID;
INSERT INTO claims_new (mutual_id, id, number, invoice_number, provider_id, member_id, household_id, enrolment_id, mode, visit_type,
  service_on, discharged_on, submitted_on, diagnoses, other_payer_minor, state, outcome, claim_reason, decided_on, decided_by,
  decision_reason, billed_minor, mutual_minor, member_minor, provider_writeoff_minor, other_paid_minor, currency, inputs,
  recorded_at, version,
  settled_minor) SELECT mutual_id, id, number, invoice_number, provider_id, member_id, household_id, enrolment_id, mode, visit_type,
  service_on, discharged_on, submitted_on, diagnoses, other_payer_minor, state, outcome, claim_reason, decided_on, decided_by,
  decision_reason, billed_minor, mutual_minor, member_minor, provider_writeoff_minor, other_paid_minor, currency, inputs,
  recorded_at, version,
  CASE WHEN state = 'PAID' THEN mutual_minor ELSE 0 END FROM claims;
DROP TABLE claims;
ALTER TABLE claims_new RENAME TO claims;
CREATE INDEX claims_by_member ON claims (mutual_id, member_id, service_on);
CREATE INDEX claims_by_household ON claims (mutual_id, household_id, enrolment_id);
CREATE INDEX claims_by_provider ON claims (mutual_id, provider_id, state, id);
CREATE INDEX claims_by_submission ON claims (mutual_id, submitted_on);
CREATE INDEX claims_by_decision ON claims (mutual_id, decided_on);

-- How a mutual decides on care: the days within which an appeal may be filed, and above which share of the mutual a claim waits
-- for a person and a person's decision waits for a second one.
CREATE TABLE care_settings (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  appeal_days INTEGER NOT NULL CHECK (appeal_days BETWEEN 0 AND 3650),
  letter_days INTEGER NOT NULL CHECK (letter_days BETWEEN 1 AND 3650),
  review_above_minor INTEGER NULL CHECK (review_above_minor >= 0),
  second_person_above_minor INTEGER NULL CHECK (second_person_above_minor >= 0),
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id)
) STRICT, WITHOUT ROWID;
-- The mutual's commitment to a facility before care (R29). That it expired follows from its dates.
CREATE TABLE letters (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  number TEXT NOT NULL,
  provider_id BLOB NOT NULL REFERENCES providers (id),
  member_id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  services TEXT NOT NULL,
  diagnoses TEXT NOT NULL,
  estimated_minor INTEGER NOT NULL CHECK (estimated_minor >= 0),
  planned_on TEXT NOT NULL,
  note TEXT NULL,
  state TEXT NOT NULL CHECK (state IN ('REQUESTED', 'IN_REVIEW', 'ISSUED', 'REFUSED', 'USED', 'REVOKED')),
  amount_minor INTEGER NULL CHECK (amount_minor > 0),
  valid_from TEXT NULL,
  valid_to TEXT NULL,
  currency TEXT NOT NULL,
  claim_id BLOB NULL,
  requested_on TEXT NOT NULL,
  requested_by BLOB NULL,
  decided_on TEXT NULL,
  decided_by BLOB NULL,
  reason TEXT NULL,
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, number),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id),
  CHECK ((state = 'USED') = (claim_id IS NOT NULL)),
  CHECK ((state IN ('ISSUED', 'USED', 'REVOKED')) = (amount_minor IS NOT NULL)),
  CHECK ((amount_minor IS NULL) = (valid_from IS NULL)),
  CHECK ((amount_minor IS NULL) = (valid_to IS NULL)),
  CHECK (valid_to IS NULL OR valid_to >= valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX letters_by_member ON letters (mutual_id, member_id);
CREATE INDEX letters_by_provider ON letters (mutual_id, provider_id, state, id);
-- What a claim cites: the refused or voided claim that it resubmits, the check at the counter, the letter.
CREATE TABLE claim_links (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  resubmits_id BLOB NULL,
  check_id BLOB NULL,
  letter_id BLOB NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, resubmits_id),
  FOREIGN KEY (mutual_id, id) REFERENCES claims (mutual_id, id),
  FOREIGN KEY (mutual_id, resubmits_id) REFERENCES claims (mutual_id, id),
  FOREIGN KEY (mutual_id, letter_id) REFERENCES letters (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_links_by_letter ON claim_links (mutual_id, letter_id);
-- Why a claim waits for a person, how risky it looked when it began to wait and from what, and who works on it.
CREATE TABLE claim_reviews (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('SUSPECTED_DUPLICATE', 'ABOVE_LIMIT', 'DOCUMENTS_MISSING', 'MEDICAL_REVIEW')),
  note TEXT NULL,
  risk INTEGER NOT NULL CHECK (risk BETWEEN 0 AND 100),
  risk_facts TEXT NOT NULL,
  assigned_to BLOB NULL,
  assigned_at TEXT NULL,
  since_on TEXT NOT NULL,
  ended_on TEXT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, id) REFERENCES claims (mutual_id, id),
  CHECK ((assigned_to IS NULL) = (assigned_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_reviews_by_risk ON claim_reviews (mutual_id, ended_on, risk);
-- A decision that another one replaced: after an appeal, or because the claim had to wait after all.
CREATE TABLE claim_decisions (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  claim_id BLOB NOT NULL,
  replaced_by TEXT NOT NULL CHECK (replaced_by IN ('APPEAL', 'REVIEW')),
  replaced_on TEXT NOT NULL,
  outcome TEXT NOT NULL,
  claim_reason TEXT NULL,
  decided_on TEXT NULL,
  decided_by BLOB NULL,
  decision_reason TEXT NULL,
  billed_minor INTEGER NOT NULL,
  mutual_minor INTEGER NOT NULL,
  member_minor INTEGER NOT NULL,
  provider_writeoff_minor INTEGER NOT NULL,
  other_paid_minor INTEGER NOT NULL,
  lines TEXT NOT NULL,
  inputs TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id),
  CHECK (billed_minor = mutual_minor + member_minor + provider_writeoff_minor + other_paid_minor)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_decisions_by_claim ON claim_decisions (mutual_id, claim_id);
CREATE TABLE claim_voids (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  claim_id BLOB NOT NULL,
  reason TEXT NOT NULL,
  voided_on TEXT NOT NULL,
  voided_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, claim_id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE appeals (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  claim_id BLOB NOT NULL,
  appellant TEXT NOT NULL CHECK (appellant IN ('member', 'provider')),
  reason TEXT NOT NULL,
  filed_on TEXT NOT NULL,
  filed_by BLOB NULL,
  state TEXT NOT NULL CHECK (state IN ('FILED', 'UPHELD', 'CHANGED')),
  original_minor INTEGER NOT NULL,
  difference_minor INTEGER NULL,
  decided_on TEXT NULL,
  decided_by BLOB NULL,
  decision_reason TEXT NULL,
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id),
  CHECK ((state = 'FILED') = (decided_on IS NULL)),
  CHECK ((state = 'FILED') = (difference_minor IS NULL)),
  CHECK (state <> 'UPHELD' OR difference_minor = 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX appeals_by_claim ON appeals (mutual_id, claim_id);
CREATE INDEX appeals_by_state ON appeals (mutual_id, state, id);
-- What a settlement pays of a claim; below zero what is recovered.
CREATE TABLE settlement_items (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  settlement_id BLOB NOT NULL,
  claim_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor <> 0),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, settlement_id, claim_id),
  FOREIGN KEY (mutual_id, settlement_id) REFERENCES settlements (mutual_id, id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX settlement_items_by_claim ON settlement_items (mutual_id, claim_id);
CREATE TABLE settlement_payments (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  settlement_id BLOB NOT NULL,
  method TEXT NOT NULL CHECK (method IN ('bank', 'cash', 'mobile')),
  cash_desk_id BLOB NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  reference TEXT NULL,
  paid_on TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, settlement_id) REFERENCES settlements (mutual_id, id),
  CHECK ((method = 'cash') = (cash_desk_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX settlement_payments_by_settlement ON settlement_payments (mutual_id, settlement_id);
CREATE INDEX settlement_payments_by_day ON settlement_payments (mutual_id, paid_on);
-- Money given to a facility before it has anything to be paid for.
CREATE TABLE advances (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  provider_id BLOB NOT NULL REFERENCES providers (id),
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  reference TEXT NULL,
  paid_on TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX advances_by_provider ON advances (mutual_id, provider_id);

-- What was settled before, claim by claim and as one payment each.
INSERT INTO settlement_items (mutual_id, id, settlement_id, claim_id, amount_minor)
  SELECT mutual_id, claim_id, settlement_id, claim_id, amount_minor FROM settled_before;
INSERT INTO settlement_payments (mutual_id, id, settlement_id, method, amount_minor, currency, paid_on, recorded_at)
  SELECT mutual_id, id, id, 'bank', amount_minor, currency, paid_on, recorded_at FROM settlements;
DROP TABLE settled_before;
-- What waits for a second person names claims that nothing holds: it is asked for anew.
UPDATE approvals SET state = 'refused', decided_by = x'00000000000000000000000000000000', decided_at = requested_at, version = version + 1,
  reason = 'settlements hold their claims from now on: ask anew' WHERE kind = 'settlement' AND state = 'requested';
-- What waits already.
INSERT INTO claim_reviews (mutual_id, id, reason, risk, risk_facts, since_on, version)
  SELECT mutual_id, id, 'SUSPECTED_DUPLICATE', 0, '{}', submitted_on, 1 FROM claims WHERE state = 'PENDED';
-- Existing mutuals have settings of their own from now on.
INSERT INTO care_settings (mutual_id, id, appeal_days, letter_days, version)
  SELECT id, id, 60, 30, 1 FROM organisations WHERE kind = 'mutual';

-- An advance, and a letter above the limit, need a second person.
CREATE TABLE approvals_new (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('settlement', 'reversal', 'waiver', 'write_off', 'refund', 'expense', 'movement_reversal', 'override', 'reopening', 'advance', 'appeal', 'letter')),
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
INSERT INTO approvals_new SELECT * FROM approvals;
DROP TABLE approvals;
ALTER TABLE approvals_new RENAME TO approvals;
