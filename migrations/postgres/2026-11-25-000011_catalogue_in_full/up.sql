-- The catalogue in full: contacts and kinds of care of facilities, the terms of conventions, whom a service is for, lists of
-- diagnoses. Lists of words and codes are one text, each with a space before and after it.
ALTER TABLE providers ADD COLUMN care_types text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE providers ADD COLUMN contact_name text COLLATE "C" NULL;
ALTER TABLE providers ADD COLUMN phone text COLLATE "C" NULL;
ALTER TABLE providers ADD COLUMN email text COLLATE "C" NULL;
ALTER TABLE providers ADD COLUMN address text COLLATE "C" NULL;
ALTER TABLE providers ADD COLUMN active_to date NULL;
ALTER TABLE conventions ADD COLUMN categories text COLLATE "C" NULL;
ALTER TABLE conventions ADD COLUMN excluded_services text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE conventions ADD COLUMN invoice_days integer NULL CHECK (invoice_days BETWEEN 0 AND 366);
ALTER TABLE conventions ADD COLUMN payment_days integer NULL CHECK (payment_days BETWEEN 0 AND 366);
ALTER TABLE conventions ADD COLUMN advance_minor bigint NULL CHECK (advance_minor > 0);
ALTER TABLE conventions ADD COLUMN currency text COLLATE "C" NULL CHECK ((currency IS NULL) = (advance_minor IS NULL));
ALTER TABLE conventions ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE services ADD COLUMN sex text COLLATE "C" NULL CHECK (sex IN ('female', 'male'));
ALTER TABLE services ADD COLUMN min_age_years integer NULL CHECK (min_age_years BETWEEN 0 AND 150);
ALTER TABLE services ADD COLUMN max_age_years integer NULL CHECK (max_age_years BETWEEN 0 AND 150);
CREATE INDEX tariffs_by_owner ON tariffs (owner_id, id);
CREATE TABLE diagnosis_lists (
  id uuid NOT NULL PRIMARY KEY,
  owner_id uuid NOT NULL REFERENCES organisations (id),
  name text COLLATE "C" NOT NULL,
  number_of_codes bigint NOT NULL,
  loaded_at timestamp NOT NULL,
  UNIQUE (owner_id, name)
);
CREATE TABLE diagnosis_codes (
  list_id uuid NOT NULL REFERENCES diagnosis_lists (id),
  code text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  PRIMARY KEY (list_id, code)
);
REVOKE UPDATE, DELETE ON diagnosis_lists, diagnosis_codes FROM ayni_app;
