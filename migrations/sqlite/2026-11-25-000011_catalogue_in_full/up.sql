-- The catalogue in full: contacts and kinds of care of facilities, the terms of conventions, whom a service is for, lists of
-- diagnoses. Lists of words and codes are one text, each with a space before and after it.
ALTER TABLE providers ADD COLUMN care_types TEXT NOT NULL DEFAULT '';
ALTER TABLE providers ADD COLUMN contact_name TEXT NULL;
ALTER TABLE providers ADD COLUMN phone TEXT NULL;
ALTER TABLE providers ADD COLUMN email TEXT NULL;
ALTER TABLE providers ADD COLUMN address TEXT NULL;
ALTER TABLE providers ADD COLUMN active_to TEXT NULL;
ALTER TABLE conventions ADD COLUMN categories TEXT NULL;
ALTER TABLE conventions ADD COLUMN excluded_services TEXT NOT NULL DEFAULT '';
ALTER TABLE conventions ADD COLUMN invoice_days INTEGER NULL CHECK (invoice_days BETWEEN 0 AND 366);
ALTER TABLE conventions ADD COLUMN payment_days INTEGER NULL CHECK (payment_days BETWEEN 0 AND 366);
ALTER TABLE conventions ADD COLUMN advance_minor INTEGER NULL CHECK (advance_minor > 0);
ALTER TABLE conventions ADD COLUMN currency TEXT NULL CHECK ((currency IS NULL) = (advance_minor IS NULL));
ALTER TABLE conventions ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE services ADD COLUMN sex TEXT NULL CHECK (sex IN ('female', 'male'));
ALTER TABLE services ADD COLUMN min_age_years INTEGER NULL CHECK (min_age_years BETWEEN 0 AND 150);
ALTER TABLE services ADD COLUMN max_age_years INTEGER NULL CHECK (max_age_years BETWEEN 0 AND 150);
CREATE INDEX tariffs_by_owner ON tariffs (owner_id, id);
CREATE TABLE diagnosis_lists (
  id BLOB NOT NULL PRIMARY KEY,
  owner_id BLOB NOT NULL REFERENCES organisations (id),
  name TEXT NOT NULL,
  number_of_codes INTEGER NOT NULL,
  loaded_at TEXT NOT NULL,
  UNIQUE (owner_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE diagnosis_codes (
  list_id BLOB NOT NULL REFERENCES diagnosis_lists (id),
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (list_id, code)
) STRICT, WITHOUT ROWID;
