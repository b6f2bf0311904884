-- Months that were closed, and what bodies above a mutual see of a month: frozen copies that hold no person.
CREATE TABLE month_steps (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  month TEXT NOT NULL,
  ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
  kind TEXT NOT NULL CHECK (kind IN ('CLOSED', 'REOPENED', 'CORRECTED')),
  despite TEXT NOT NULL,
  reason TEXT NULL,
  recorded_on TEXT NOT NULL,
  requested_by BLOB NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, month, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE releases (
  id BLOB NOT NULL PRIMARY KEY,
  unit_id BLOB NOT NULL REFERENCES organisations (id),
  month TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  basis TEXT NOT NULL CHECK (basis IN ('provisional', 'closed', 'correction', 'return')),
  source TEXT NOT NULL CHECK (source IN ('register', 'paper', 'file')),
  as_of TEXT NOT NULL,
  stock_on TEXT NOT NULL,
  currency TEXT NOT NULL,
  definition TEXT NOT NULL,
  figures TEXT NOT NULL,
  note TEXT NULL,
  recorded_by BLOB NULL,
  replaced_by BLOB NULL,
  UNIQUE (unit_id, month, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE release_cuts (
  release_id BLOB NOT NULL REFERENCES releases (id),
  dimension TEXT NOT NULL CHECK (dimension IN ('sex_age', 'area', 'payer', 'category', 'provider', 'reason', 'days_from_event', 'days_from_submission')),
  cells TEXT NOT NULL,
  PRIMARY KEY (release_id, dimension)
) STRICT, WITHOUT ROWID;
CREATE TABLE figure_settings (
  organisation_id BLOB NOT NULL PRIMARY KEY REFERENCES organisations (id),
  due_days INTEGER NULL CHECK (due_days BETWEEN 1 AND 365),
  age_bands TEXT NULL,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE target_populations (
  id BLOB NOT NULL PRIMARY KEY,
  organisation_id BLOB NOT NULL REFERENCES organisations (id),
  valid_from TEXT NOT NULL,
  persons INTEGER NOT NULL CHECK (persons > 0),
  households INTEGER NULL CHECK (households > 0),
  source TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  UNIQUE (organisation_id, valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX releases_that_stand ON releases (month, unit_id) WHERE replaced_by IS NULL;
