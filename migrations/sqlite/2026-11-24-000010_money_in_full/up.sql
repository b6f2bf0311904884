-- The money in full: relief of dues, refunds, cash desks and their sessions, other movements, what collectors hand over, mobile
-- money, collections of groups, subsidies. Nothing that happened is edited.
CREATE TABLE money_settings (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  expense_limit_minor INTEGER NOT NULL CHECK (expense_limit_minor >= 0),
  commission_bp INTEGER NOT NULL CHECK (commission_bp BETWEEN 0 AND 10000),
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE refunds (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  receipt_id BLOB NOT NULL,
  method TEXT NOT NULL CHECK (method IN ('cash', 'bank', 'mobile')),
  cash_desk_id BLOB NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  reason TEXT NOT NULL,
  refunded_on TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, receipt_id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, receipt_id) REFERENCES receipts (mutual_id, id),
  FOREIGN KEY (mutual_id, cash_desk_id) REFERENCES cash_desks (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refunds_by_household ON refunds (mutual_id, household_id);
CREATE TABLE refund_parts (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  refund_id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  payment_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, refund_id, payment_id),
  FOREIGN KEY (mutual_id, refund_id) REFERENCES refunds (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, payment_id) REFERENCES payments (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refund_parts_by_household ON refund_parts (mutual_id, household_id);
CREATE TABLE cash_sessions (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  cash_desk_id BLOB NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  opened_on TEXT NOT NULL,
  opened_by BLOB NULL,
  opened_at TEXT NOT NULL,
  opening_minor INTEGER NOT NULL,
  closed_on TEXT NULL,
  closed_by BLOB NULL,
  closed_at TEXT NULL,
  expected_minor INTEGER NULL,
  counted_minor INTEGER NULL,
  note TEXT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, cash_desk_id, number),
  FOREIGN KEY (mutual_id, cash_desk_id) REFERENCES cash_desks (mutual_id, id),
  CHECK ((closed_at IS NULL) = (closed_on IS NULL)),
  CHECK ((closed_at IS NULL) = (expected_minor IS NULL)),
  CHECK ((closed_at IS NULL) = (counted_minor IS NULL)),
  CHECK (counted_minor IS NULL OR counted_minor >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE movements (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('expense', 'commission', 'grant', 'other_income', 'deposit', 'withdrawal', 'payout', 'debt_repaid')),
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  holding TEXT NOT NULL CHECK (holding IN ('cash', 'bank', 'mobile')),
  cash_desk_id BLOB NULL,
  collector_id BLOB NULL,
  category TEXT NULL,
  description TEXT NOT NULL,
  counterparty TEXT NULL,
  reference TEXT NULL,
  moved_on TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, cash_desk_id) REFERENCES cash_desks (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX movements_by_date ON movements (mutual_id, moved_on, id);
CREATE TABLE movement_reversals (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  movement_id BLOB NOT NULL,
  reason TEXT NOT NULL,
  reversed_on TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, movement_id),
  FOREIGN KEY (mutual_id, movement_id) REFERENCES movements (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE remittances (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  collector_id BLOB NOT NULL,
  label TEXT NOT NULL,
  declared_minor INTEGER NOT NULL CHECK (declared_minor > 0),
  submitted_on TEXT NOT NULL,
  submitted_by BLOB NOT NULL,
  submitted_at TEXT NOT NULL,
  cash_desk_id BLOB NULL,
  counted_minor INTEGER NULL,
  reconciled_on TEXT NULL,
  reconciled_by BLOB NULL,
  reconciled_at TEXT NULL,
  closed_on TEXT NULL,
  closed_by BLOB NULL,
  note TEXT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, label),
  FOREIGN KEY (mutual_id, cash_desk_id) REFERENCES cash_desks (mutual_id, id),
  CHECK ((counted_minor IS NULL) = (reconciled_on IS NULL)),
  CHECK (closed_on IS NULL OR reconciled_on IS NOT NULL),
  CHECK (counted_minor IS NULL OR counted_minor >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX remittances_by_collector ON remittances (mutual_id, collector_id, id);
CREATE TABLE webhooks (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  provider TEXT NOT NULL,
  secret BLOB NOT NULL,
  created_by BLOB NULL,
  created_at TEXT NOT NULL,
  ended_at TEXT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE mobile_events (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  provider TEXT NOT NULL,
  provider_txn_id TEXT NOT NULL,
  channel TEXT NOT NULL CHECK (channel IN ('webhook', 'statement')),
  amount_text TEXT NOT NULL,
  amount_minor INTEGER NULL,
  currency TEXT NOT NULL,
  account_ref TEXT NOT NULL,
  received_on TEXT NOT NULL,
  result TEXT NOT NULL CHECK (result IN ('created', 'replayed', 'conflict_quarantined', 'currency_refused')),
  household_id BLOB NULL,
  payment_id BLOB NULL,
  raw TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, payment_id) REFERENCES payments (mutual_id, id),
  CHECK (payment_id IS NULL OR result = 'created'),
  CHECK (result <> 'created' OR amount_minor > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX mobile_events_by_result ON mobile_events (mutual_id, result, id);
CREATE INDEX mobile_events_by_identity ON mobile_events (mutual_id, provider, provider_txn_id);
CREATE TABLE mobile_identities (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  provider TEXT NOT NULL,
  provider_txn_id TEXT NOT NULL,
  event_id BLOB NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, provider, provider_txn_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE mobile_decisions (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  event_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('ASSIGNED', 'RETURNED', 'DISMISSED')),
  payment_id BLOB NULL,
  reason TEXT NULL,
  decided_on TEXT NOT NULL,
  decided_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, event_id, ordinal),
  FOREIGN KEY (mutual_id, event_id) REFERENCES mobile_events (mutual_id, id),
  FOREIGN KEY (mutual_id, payment_id) REFERENCES payments (mutual_id, id),
  CHECK ((kind = 'ASSIGNED') = (payment_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE group_collections (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  group_id BLOB NULL,
  payer TEXT NOT NULL,
  method TEXT NOT NULL CHECK (method IN ('cash', 'bank', 'mobile', 'payroll')),
  cash_desk_id BLOB NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  received_on TEXT NOT NULL,
  reference TEXT NULL,
  list_version INTEGER NOT NULL,
  was_pending INTEGER NOT NULL CHECK (was_pending IN (0, 1)),
  allocated_on TEXT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, group_id) REFERENCES groups (mutual_id, id),
  FOREIGN KEY (mutual_id, cash_desk_id) REFERENCES cash_desks (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE group_collection_items (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  collection_id BLOB NOT NULL,
  list_version INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  household_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  payment_id BLOB NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, collection_id, list_version, ordinal),
  FOREIGN KEY (mutual_id, collection_id) REFERENCES group_collections (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE subsidy_batches (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  payer TEXT NOT NULL,
  label TEXT NOT NULL,
  until_on TEXT NOT NULL,
  issued_on TEXT NOT NULL,
  number_of_dues INTEGER NOT NULL CHECK (number_of_dues > 0),
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, label)
) STRICT, WITHOUT ROWID;
CREATE TABLE subsidy_items (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  batch_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL,
  due_id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  before_minor INTEGER NOT NULL CHECK (before_minor >= 0),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, due_id),
  UNIQUE (mutual_id, batch_id, ordinal),
  FOREIGN KEY (mutual_id, batch_id) REFERENCES subsidy_batches (mutual_id, id),
  FOREIGN KEY (mutual_id, due_id) REFERENCES dues (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE subsidy_payments (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  batch_id BLOB NOT NULL,
  receipt_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  received_on TEXT NOT NULL,
  reference TEXT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, receipt_id),
  FOREIGN KEY (mutual_id, batch_id) REFERENCES subsidy_batches (mutual_id, id),
  FOREIGN KEY (mutual_id, receipt_id) REFERENCES receipts (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX subsidy_payments_by_batch ON subsidy_payments (mutual_id, batch_id, id);

-- What waits for a second person.
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
INSERT INTO approvals_new SELECT * FROM approvals;
DROP TABLE approvals;
ALTER TABLE approvals_new RENAME TO approvals;

-- What is open of a due may be cancelled, waived or written off, and more than once where a payment is reversed in between.
CREATE TABLE due_cancellations_new (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  due_id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  cancelled_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('CANCELLED', 'WAIVED', 'WRITTEN_OFF')),
  reason TEXT NULL,
  payer_due_id BLOB NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, due_id) REFERENCES dues (mutual_id, id),
  FOREIGN KEY (mutual_id, payer_due_id) REFERENCES dues (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  CHECK ((kind = 'CANCELLED') = (reason IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO due_cancellations_new (mutual_id, id, due_id, household_id, amount_minor, cancelled_on, recorded_at, kind)
  SELECT mutual_id, id, due_id, household_id, amount_minor, cancelled_on, recorded_at, 'CANCELLED' FROM due_cancellations;
DROP TABLE due_cancellations;
ALTER TABLE due_cancellations_new RENAME TO due_cancellations;
CREATE INDEX due_cancellations_by_household ON due_cancellations (mutual_id, household_id);
CREATE INDEX due_cancellations_by_due ON due_cancellations (mutual_id, due_id);

-- Every desk has an account of its own; the first has the mutual's cash. Its revision is its lock.
ALTER TABLE cash_desks ADD COLUMN account TEXT NOT NULL DEFAULT 'cash';
ALTER TABLE cash_desks ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

-- Who took the money in the field; where money had lain that came without a household.
ALTER TABLE payments ADD COLUMN collector_id BLOB NULL;
ALTER TABLE payments ADD COLUMN source_id BLOB NULL;
ALTER TABLE payments ADD COLUMN was_unallocated INTEGER NOT NULL DEFAULT 0 CHECK (was_unallocated IN (0, 1));
UPDATE payments SET collector_id = recorded_by WHERE method = 'cash' AND cash_desk_id IS NULL;
CREATE INDEX payments_by_collector ON payments (mutual_id, collector_id, received_on);

-- A transfer names what it comes from, and the session of the desk through which cash went.
ALTER TABLE transfers ADD COLUMN source_id BLOB NULL;
ALTER TABLE transfers ADD COLUMN cash_session_id BLOB NULL;
CREATE INDEX transfers_by_source ON transfers (mutual_id, source_id);
CREATE INDEX transfers_by_session ON transfers (mutual_id, cash_session_id);

-- Existing mutuals have settings of their own from now on.
INSERT INTO money_settings (mutual_id, id, expense_limit_minor, commission_bp, version)
  SELECT id, id, 0, 0, 1 FROM organisations WHERE kind = 'mutual';
