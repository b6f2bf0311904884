-- Claims in full: letters, review, appeals, voids and resubmissions, settlements that are paid in parts, advances.
CREATE TABLE settled_before AS SELECT mutual_id, id AS claim_id, settlement_id, mutual_minor AS amount_minor
  FROM claims WHERE settlement_id IS NOT NULL;
ALTER TABLE claims DROP COLUMN settlement_id;
ALTER TABLE claims ADD COLUMN settled_minor bigint NOT NULL DEFAULT 0 CHECK (settled_minor >= 0);
ALTER TABLE claims ALTER COLUMN settled_minor DROP DEFAULT;
UPDATE claims SET settled_minor = mutual_minor WHERE state = 'PAID';
ALTER TABLE claims DROP CONSTRAINT claims_state_check;
ALTER TABLE claims ADD CONSTRAINT claims_state_check CHECK (state IN ('PENDED', 'DECIDED', 'BATCHED', 'PAID', 'VOIDED'));
ALTER TABLE claims DROP CONSTRAINT claims_check;
ALTER TABLE claims DROP CONSTRAINT claims_check1;
ALTER TABLE claims ADD CONSTRAINT claims_pended CHECK (state = 'VOIDED' OR (state = 'PENDED') = (outcome = 'pended'));
ALTER TABLE claims ADD CONSTRAINT claims_borne CHECK (outcome = 'pended' OR billed_minor = mutual_minor + member_minor + provider_writeoff_minor + other_paid_minor);
ALTER TABLE claims ADD CONSTRAINT claims_paid CHECK (state <> 'PAID' OR (settled_minor = mutual_minor AND settled_minor > 0));
ALTER TABLE settlements ALTER COLUMN provider_id DROP NOT NULL;
ALTER TABLE settlements ALTER COLUMN paid_on DROP NOT NULL;
ALTER TABLE settlements ADD COLUMN household_id uuid NULL;
ALTER TABLE settlements ADD COLUMN advance_offset_minor bigint NOT NULL DEFAULT 0 CHECK (advance_offset_minor BETWEEN 0 AND amount_minor);
ALTER TABLE settlements ADD COLUMN paid_minor bigint NOT NULL DEFAULT 0 CHECK (paid_minor BETWEEN 0 AND amount_minor - advance_offset_minor);
ALTER TABLE settlements ADD COLUMN state text COLLATE "C" NOT NULL DEFAULT 'PAID' CHECK (state IN ('APPROVED', 'PART_PAID', 'PAID', 'DISPUTED', 'CANCELLED'));
ALTER TABLE settlements ADD COLUMN approved_on date NULL;
ALTER TABLE settlements ADD COLUMN reason text COLLATE "C" NULL;
ALTER TABLE settlements ADD COLUMN version bigint NOT NULL DEFAULT 1;
UPDATE settlements SET paid_minor = amount_minor, approved_on = paid_on;
ALTER TABLE settlements ALTER COLUMN approved_on SET NOT NULL;
ALTER TABLE settlements ALTER COLUMN advance_offset_minor DROP DEFAULT;
ALTER TABLE settlements ALTER COLUMN paid_minor DROP DEFAULT;
ALTER TABLE settlements ALTER COLUMN state DROP DEFAULT;
ALTER TABLE settlements ALTER COLUMN version DROP DEFAULT;
ALTER TABLE settlements ADD FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id);
ALTER TABLE settlements ADD CHECK ((provider_id IS NULL) <> (household_id IS NULL));
ALTER TABLE settlements ADD CHECK ((state = 'PAID') = (paid_on IS NOT NULL));
ALTER TABLE settlements ADD CHECK (state <> 'PAID' OR paid_minor = amount_minor - advance_offset_minor);
CREATE INDEX settlements_by_household ON settlements (mutual_id, household_id);

-- How a mutual decides on care: the days within which an appeal may be filed, and above which share of the mutual a claim waits
-- for a person and a person's decision waits for a second one.
CREATE TABLE care_settings (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  appeal_days bigint NOT NULL CHECK (appeal_days BETWEEN 0 AND 3650),
  letter_days bigint NOT NULL CHECK (letter_days BETWEEN 1 AND 3650),
  review_above_minor bigint NULL CHECK (review_above_minor >= 0),
  second_person_above_minor bigint NULL CHECK (second_person_above_minor >= 0),
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id)
);
-- The mutual's commitment to a facility before care (R29). That it expired follows from its dates.
CREATE TABLE letters (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  number text COLLATE "C" NOT NULL,
  provider_id uuid NOT NULL REFERENCES providers (id),
  member_id uuid NOT NULL,
  household_id uuid NOT NULL,
  services text COLLATE "C" NOT NULL,
  diagnoses text COLLATE "C" NOT NULL,
  estimated_minor bigint NOT NULL CHECK (estimated_minor >= 0),
  planned_on date NOT NULL,
  note text COLLATE "C" NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('REQUESTED', 'IN_REVIEW', 'ISSUED', 'REFUSED', 'USED', 'REVOKED')),
  amount_minor bigint NULL CHECK (amount_minor > 0),
  valid_from date NULL,
  valid_to date NULL,
  currency text COLLATE "C" NOT NULL,
  claim_id uuid NULL,
  requested_on date NOT NULL,
  requested_by uuid NULL,
  decided_on date NULL,
  decided_by uuid NULL,
  reason text COLLATE "C" NULL,
  recorded_at timestamp NOT NULL,
  version bigint NOT NULL,
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
);
CREATE INDEX letters_by_member ON letters (mutual_id, member_id);
CREATE INDEX letters_by_provider ON letters (mutual_id, provider_id, state, id);
-- What a claim cites: the refused or voided claim that it resubmits, the check at the counter, the letter.
CREATE TABLE claim_links (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  resubmits_id uuid NULL,
  check_id uuid NULL,
  letter_id uuid NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, resubmits_id),
  FOREIGN KEY (mutual_id, id) REFERENCES claims (mutual_id, id),
  FOREIGN KEY (mutual_id, resubmits_id) REFERENCES claims (mutual_id, id),
  FOREIGN KEY (mutual_id, letter_id) REFERENCES letters (mutual_id, id)
);
CREATE INDEX claim_links_by_letter ON claim_links (mutual_id, letter_id);
-- Why a claim waits for a person, how risky it looked when it began to wait and from what, and who works on it.
CREATE TABLE claim_reviews (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  reason text COLLATE "C" NOT NULL CHECK (reason IN ('SUSPECTED_DUPLICATE', 'ABOVE_LIMIT', 'DOCUMENTS_MISSING', 'MEDICAL_REVIEW')),
  note text COLLATE "C" NULL,
  risk bigint NOT NULL CHECK (risk BETWEEN 0 AND 100),
  risk_facts text COLLATE "C" NOT NULL,
  assigned_to uuid NULL,
  assigned_at timestamp NULL,
  since_on date NOT NULL,
  ended_on date NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, id) REFERENCES claims (mutual_id, id),
  CHECK ((assigned_to IS NULL) = (assigned_at IS NULL))
);
CREATE INDEX claim_reviews_by_risk ON claim_reviews (mutual_id, ended_on, risk);
-- A decision that another one replaced: after an appeal, or because the claim had to wait after all.
CREATE TABLE claim_decisions (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  claim_id uuid NOT NULL,
  replaced_by text COLLATE "C" NOT NULL CHECK (replaced_by IN ('APPEAL', 'REVIEW')),
  replaced_on date NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  claim_reason text COLLATE "C" NULL,
  decided_on date NULL,
  decided_by uuid NULL,
  decision_reason text COLLATE "C" NULL,
  billed_minor bigint NOT NULL,
  mutual_minor bigint NOT NULL,
  member_minor bigint NOT NULL,
  provider_writeoff_minor bigint NOT NULL,
  other_paid_minor bigint NOT NULL,
  lines text COLLATE "C" NOT NULL,
  inputs text COLLATE "C" NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id),
  CHECK (billed_minor = mutual_minor + member_minor + provider_writeoff_minor + other_paid_minor)
);
CREATE INDEX claim_decisions_by_claim ON claim_decisions (mutual_id, claim_id);
CREATE TABLE claim_voids (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  claim_id uuid NOT NULL,
  reason text COLLATE "C" NOT NULL,
  voided_on date NOT NULL,
  voided_by uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, claim_id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id)
);
CREATE TABLE appeals (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  claim_id uuid NOT NULL,
  appellant text COLLATE "C" NOT NULL CHECK (appellant IN ('member', 'provider')),
  reason text COLLATE "C" NOT NULL,
  filed_on date NOT NULL,
  filed_by uuid NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('FILED', 'UPHELD', 'CHANGED')),
  original_minor bigint NOT NULL,
  difference_minor bigint NULL,
  decided_on date NULL,
  decided_by uuid NULL,
  decision_reason text COLLATE "C" NULL,
  recorded_at timestamp NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id),
  CHECK ((state = 'FILED') = (decided_on IS NULL)),
  CHECK ((state = 'FILED') = (difference_minor IS NULL)),
  CHECK (state <> 'UPHELD' OR difference_minor = 0)
);
CREATE INDEX appeals_by_claim ON appeals (mutual_id, claim_id);
CREATE INDEX appeals_by_state ON appeals (mutual_id, state, id);
-- What a settlement pays of a claim; below zero what is recovered.
CREATE TABLE settlement_items (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  settlement_id uuid NOT NULL,
  claim_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, settlement_id, claim_id),
  FOREIGN KEY (mutual_id, settlement_id) REFERENCES settlements (mutual_id, id),
  FOREIGN KEY (mutual_id, claim_id) REFERENCES claims (mutual_id, id)
);
CREATE INDEX settlement_items_by_claim ON settlement_items (mutual_id, claim_id);
CREATE TABLE settlement_payments (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  settlement_id uuid NOT NULL,
  method text COLLATE "C" NOT NULL CHECK (method IN ('bank', 'cash', 'mobile')),
  cash_desk_id uuid NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text COLLATE "C" NOT NULL,
  reference text COLLATE "C" NULL,
  paid_on date NOT NULL,
  recorded_by uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, settlement_id) REFERENCES settlements (mutual_id, id),
  CHECK ((method = 'cash') = (cash_desk_id IS NOT NULL))
);
CREATE INDEX settlement_payments_by_settlement ON settlement_payments (mutual_id, settlement_id);
CREATE INDEX settlement_payments_by_day ON settlement_payments (mutual_id, paid_on);
-- Money given to a facility before it has anything to be paid for.
CREATE TABLE advances (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  provider_id uuid NOT NULL REFERENCES providers (id),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text COLLATE "C" NOT NULL,
  reference text COLLATE "C" NULL,
  paid_on date NOT NULL,
  recorded_by uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id)
);
CREATE INDEX advances_by_provider ON advances (mutual_id, provider_id);

-- What was settled before, claim by claim and as one payment each.
INSERT INTO settlement_items (mutual_id, id, settlement_id, claim_id, amount_minor)
  SELECT mutual_id, claim_id, settlement_id, claim_id, amount_minor FROM settled_before;
INSERT INTO settlement_payments (mutual_id, id, settlement_id, method, amount_minor, currency, paid_on, recorded_at)
  SELECT mutual_id, id, id, 'bank', amount_minor, currency, paid_on, recorded_at FROM settlements;
DROP TABLE settled_before;
-- What waits for a second person names claims that nothing holds: it is asked for anew.
UPDATE approvals SET state = 'refused', decided_by = '00000000-0000-0000-0000-000000000000', decided_at = requested_at, version = version + 1,
  reason = 'settlements hold their claims from now on: ask anew' WHERE kind = 'settlement' AND state = 'requested';
-- What waits already.
INSERT INTO claim_reviews (mutual_id, id, reason, risk, risk_facts, since_on, version)
  SELECT mutual_id, id, 'SUSPECTED_DUPLICATE', 0, '{}', submitted_on, 1 FROM claims WHERE state = 'PENDED';
-- Existing mutuals have settings of their own from now on.
INSERT INTO care_settings (mutual_id, id, appeal_days, letter_days, version)
  SELECT id, id, 60, 30, 1 FROM organisations WHERE kind = 'mutual';

-- An advance, and a letter above the limit, need a second person.
ALTER TABLE approvals DROP CONSTRAINT approvals_kind_check;
ALTER TABLE approvals ADD CONSTRAINT approvals_kind_check CHECK (kind IN ('settlement', 'reversal', 'waiver', 'write_off', 'refund', 'expense', 'movement_reversal', 'override', 'reopening', 'advance', 'appeal', 'letter'));

-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE care_settings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON care_settings USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE letters ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON letters USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE claim_links ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON claim_links USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE claim_reviews ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON claim_reviews USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE claim_decisions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON claim_decisions USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE claim_voids ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON claim_voids USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE appeals ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON appeals USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE settlement_items ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON settlement_items USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE settlement_payments ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON settlement_payments USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE advances ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON advances USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));

-- What happened is never edited by the program. A settlement is paid in parts; a number is freed by a void and taken over by a
-- resubmission.
REVOKE UPDATE, DELETE ON claim_links, claim_decisions, claim_voids, settlement_items, settlement_payments, advances FROM ayni_app;
GRANT UPDATE ON settlements TO ayni_app;
GRANT UPDATE, DELETE ON claim_numbers TO ayni_app;
