-- The register: households, members (persons), who belonged where and when, enrolments and the cover that follows.
CREATE TABLE households (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  number TEXT NOT NULL,
  section_id BLOB NULL REFERENCES organisations (id),
  area_id BLOB NULL REFERENCES areas (id),
  class TEXT NOT NULL,
  phone TEXT NULL,
  registered_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX households_by_section ON households (mutual_id, section_id, id);
CREATE TABLE members (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  card_number TEXT NOT NULL,
  legacy_number TEXT NULL,
  family_name TEXT NOT NULL,
  given_name TEXT NOT NULL,
  folded_name TEXT NOT NULL,
  sex TEXT NOT NULL CHECK (sex IN ('male', 'female', 'other', 'unknown')),
  birth_date TEXT NULL,
  birth_precision TEXT NOT NULL CHECK (birth_precision IN ('day', 'month', 'year')),
  national_id TEXT NULL,
  phone TEXT NULL,
  occupation TEXT NULL,
  died_on TEXT NULL,
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, card_number),
  UNIQUE (mutual_id, legacy_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_name ON members (mutual_id, folded_name, id);
CREATE TABLE memberships (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  relationship TEXT NOT NULL CHECK (relationship IN ('principal', 'spouse', 'child', 'parent', 'sibling', 'other')),
  from_on TEXT NOT NULL,
  to_on TEXT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (to_on IS NULL OR to_on >= from_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_household ON memberships (mutual_id, household_id);
CREATE INDEX memberships_by_member ON memberships (mutual_id, member_id);
CREATE UNIQUE INDEX memberships_one_household ON memberships (mutual_id, member_id) WHERE to_on IS NULL;
CREATE UNIQUE INDEX memberships_one_principal ON memberships (mutual_id, household_id) WHERE to_on IS NULL AND relationship = 'principal';
CREATE TABLE enrolments (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  number TEXT NOT NULL,
  household_id BLOB NOT NULL,
  product_version_id BLOB NOT NULL REFERENCES product_versions (id),
  starts_on TEXT NOT NULL,
  ends_on TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('APPLIED', 'ADMITTED', 'REJECTED', 'CANCELLED', 'RESIGNED', 'EXCLUDED', 'TRANSFERRED', 'CLOSED')),
  first_enrolment INTEGER NOT NULL,
  applied_on TEXT NOT NULL,
  admitted_on TEXT NULL,
  ended_on TEXT NULL,
  reason TEXT NULL,
  waiting_from TEXT NULL,
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, number),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  CHECK (ends_on >= starts_on),
  CHECK (state NOT IN ('APPLIED', 'REJECTED') OR admitted_on IS NULL),
  CHECK (state <> 'ADMITTED' OR admitted_on IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolments_by_household ON enrolments (mutual_id, household_id);
CREATE TABLE cover_spans (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  enrolment_id BLOB NOT NULL,
  from_on TEXT NOT NULL,
  to_on TEXT NULL,
  state TEXT NOT NULL CHECK (state IN ('IN_FORCE', 'SUSPENDED', 'LAPSED', 'EXPIRED', 'TERMINATED')),
  reason TEXT NOT NULL,
  waiting_from TEXT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, household_id, member_id, from_on),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id),
  CHECK (to_on IS NULL OR to_on >= from_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX cover_spans_by_member ON cover_spans (mutual_id, member_id, from_on);
CREATE INDEX cover_spans_by_state ON cover_spans (mutual_id, state, from_on, to_on);
