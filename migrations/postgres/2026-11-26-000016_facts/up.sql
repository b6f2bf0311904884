-- What is kept of a mutual's months: how far each is computed, its figures, and cuts of some of them.
CREATE TABLE fact_heads (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  month date NOT NULL,
  generation bigint NOT NULL CHECK (generation >= 0),
  computed_through date NULL,
  definition text COLLATE "C" NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, month),
  CHECK ((generation = 0) = (computed_through IS NULL))
);
CREATE TABLE month_totals (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  month date NOT NULL,
  figures text COLLATE "C" NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, month),
  FOREIGN KEY (mutual_id, month) REFERENCES fact_heads (mutual_id, month)
);
CREATE TABLE month_cuts (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  month date NOT NULL,
  dimension text COLLATE "C" NOT NULL CHECK (dimension IN ('sex_age', 'area', 'payer', 'category', 'provider', 'reason', 'days_from_event', 'days_from_submission')),
  cells text COLLATE "C" NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, month, dimension),
  FOREIGN KEY (mutual_id, month) REFERENCES fact_heads (mutual_id, month)
);
-- The books of a month and the balances at its end are read from the index alone.
CREATE INDEX transfers_by_value ON transfers (mutual_id, value_on, debit_account_id, credit_account_id, amount_minor);
CREATE INDEX claims_by_service ON claims (mutual_id, service_on, outcome, state, member_id);
-- Figures read these alone: a row of claims holds the inputs of its decision and is long, and so many spans lie apart.
CREATE INDEX settlements_by_day ON settlements (mutual_id, paid_on);
DROP INDEX cover_spans_by_state;
CREATE INDEX cover_spans_by_state ON cover_spans (mutual_id, state, from_on, to_on) INCLUDE (household_id, member_id, enrolment_id, waiting_from);
DROP INDEX claims_by_decision;
CREATE INDEX claims_by_decision ON claims (mutual_id, decided_on) INCLUDE (outcome, claim_reason, provider_id, submitted_on, billed_minor, mutual_minor, member_minor, provider_writeoff_minor, other_paid_minor);
DROP INDEX allocations_by_due;
CREATE INDEX allocations_by_due ON allocations (mutual_id, due_id) INCLUDE (counts_on, amount_minor);

-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE fact_heads ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON fact_heads USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE month_totals ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON month_totals USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE month_cuts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON month_cuts USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
