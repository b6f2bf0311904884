-- Only what the former tables can hold is kept: settlements that are paid, by one payment each.
CREATE TABLE settled_before AS SELECT items.mutual_id, items.claim_id, max(items.settlement_id::text)::uuid AS settlement_id
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
DELETE FROM approvals WHERE kind IN ('advance', 'appeal', 'letter');
ALTER TABLE approvals DROP CONSTRAINT approvals_kind_check;
ALTER TABLE approvals ADD CONSTRAINT approvals_kind_check CHECK (kind IN ('settlement', 'reversal', 'waiver', 'write_off', 'refund', 'expense', 'movement_reversal', 'override', 'reopening'));
DELETE FROM settlements WHERE state <> 'PAID' OR provider_id IS NULL;
ALTER TABLE settlements DROP COLUMN version, DROP COLUMN reason, DROP COLUMN approved_on, DROP COLUMN state,
  DROP COLUMN paid_minor, DROP COLUMN advance_offset_minor, DROP COLUMN household_id;
ALTER TABLE settlements ALTER COLUMN provider_id SET NOT NULL;
ALTER TABLE settlements ALTER COLUMN paid_on SET NOT NULL;
ALTER TABLE claims DROP CONSTRAINT claims_paid;
ALTER TABLE claims DROP CONSTRAINT claims_borne;
ALTER TABLE claims DROP CONSTRAINT claims_pended;
ALTER TABLE claims DROP CONSTRAINT claims_state_check;
UPDATE claims SET state = CASE WHEN state = 'PAID' THEN 'PAID' WHEN outcome = 'pended' THEN 'PENDED' ELSE 'DECIDED' END;
ALTER TABLE claims ADD CONSTRAINT claims_state_check CHECK (state IN ('PENDED', 'DECIDED', 'PAID'));
ALTER TABLE claims ADD CONSTRAINT claims_check CHECK ((state = 'PENDED') = (outcome = 'pended'));
ALTER TABLE claims ADD CONSTRAINT claims_check1 CHECK (state = 'PENDED' OR billed_minor = mutual_minor + member_minor + provider_writeoff_minor + other_paid_minor);
ALTER TABLE claims DROP COLUMN settled_minor;
ALTER TABLE claims ADD COLUMN settlement_id uuid NULL;
UPDATE claims SET settlement_id = settled_before.settlement_id FROM settled_before
  WHERE settled_before.mutual_id = claims.mutual_id AND settled_before.claim_id = claims.id AND claims.state = 'PAID';
UPDATE claims SET state = 'DECIDED' WHERE state = 'PAID' AND settlement_id IS NULL;
ALTER TABLE claims ADD FOREIGN KEY (mutual_id, settlement_id) REFERENCES settlements (mutual_id, id);
ALTER TABLE claims ADD CONSTRAINT claims_check2 CHECK ((state = 'PAID') = (settlement_id IS NOT NULL));
DROP TABLE settled_before;
REVOKE UPDATE ON settlements FROM ayni_app;
REVOKE UPDATE, DELETE ON claim_numbers FROM ayni_app;
