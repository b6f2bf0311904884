DROP INDEX transfers_by_source;
DROP INDEX transfers_by_session;
ALTER TABLE transfers DROP COLUMN cash_session_id;
ALTER TABLE transfers DROP COLUMN source_id;
DROP INDEX payments_by_collector;
ALTER TABLE payments DROP COLUMN was_unallocated;
ALTER TABLE payments DROP COLUMN source_id;
ALTER TABLE payments DROP COLUMN collector_id;
ALTER TABLE cash_desks DROP COLUMN revision;
ALTER TABLE cash_desks DROP COLUMN account;
CREATE TABLE due_cancellations_old (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  due_id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  cancelled_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, due_id),
  FOREIGN KEY (mutual_id, due_id) REFERENCES dues (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO due_cancellations_old SELECT mutual_id, min(id), due_id, household_id, sum(amount_minor), min(cancelled_on), min(recorded_at)
  FROM due_cancellations GROUP BY mutual_id, due_id, household_id;
DROP TABLE due_cancellations;
ALTER TABLE due_cancellations_old RENAME TO due_cancellations;
CREATE INDEX due_cancellations_by_household ON due_cancellations (mutual_id, household_id);
CREATE TABLE approvals_old (
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
INSERT INTO approvals_old SELECT * FROM approvals WHERE kind = 'settlement';
DROP TABLE approvals;
ALTER TABLE approvals_old RENAME TO approvals;
DROP TABLE subsidy_payments;
DROP TABLE subsidy_items;
DROP TABLE subsidy_batches;
DROP TABLE group_collection_items;
DROP TABLE group_collections;
DROP TABLE mobile_decisions;
DROP TABLE mobile_identities;
DROP TABLE mobile_events;
DROP TABLE webhooks;
DROP TABLE remittances;
DROP TABLE movement_reversals;
DROP TABLE movements;
DROP TABLE cash_sessions;
DROP TABLE refund_parts;
DROP TABLE refunds;
DROP TABLE money_settings;
