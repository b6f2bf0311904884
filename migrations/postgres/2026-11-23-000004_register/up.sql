-- The register: households, members (persons), who belonged where and when, enrolments and the cover that follows.
CREATE TABLE households (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  number text COLLATE "C" NOT NULL,
  section_id uuid NULL REFERENCES organisations (id),
  area_id uuid NULL REFERENCES areas (id),
  class text COLLATE "C" NOT NULL,
  phone text COLLATE "C" NULL,
  registered_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  revision bigint NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, number)
);
CREATE INDEX households_by_section ON households (mutual_id, section_id, id);
CREATE TABLE members (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  card_number text COLLATE "C" NOT NULL,
  legacy_number text COLLATE "C" NULL,
  family_name text COLLATE "C" NOT NULL,
  given_name text COLLATE "C" NOT NULL,
  folded_name text COLLATE "C" NOT NULL,
  sex text COLLATE "C" NOT NULL CHECK (sex IN ('male', 'female', 'other', 'unknown')),
  birth_date date NULL,
  birth_precision text COLLATE "C" NOT NULL CHECK (birth_precision IN ('day', 'month', 'year')),
  national_id text COLLATE "C" NULL,
  phone text COLLATE "C" NULL,
  occupation text COLLATE "C" NULL,
  died_on date NULL,
  recorded_at timestamp NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, card_number),
  UNIQUE (mutual_id, legacy_number)
);
CREATE INDEX members_by_name ON members (mutual_id, folded_name, id);
CREATE TABLE memberships (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  household_id uuid NOT NULL,
  member_id uuid NOT NULL,
  relationship text COLLATE "C" NOT NULL CHECK (relationship IN ('principal', 'spouse', 'child', 'parent', 'sibling', 'other')),
  from_on date NOT NULL,
  to_on date NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (to_on IS NULL OR to_on >= from_on)
);
CREATE INDEX memberships_by_household ON memberships (mutual_id, household_id);
CREATE INDEX memberships_by_member ON memberships (mutual_id, member_id);
CREATE UNIQUE INDEX memberships_one_household ON memberships (mutual_id, member_id) WHERE to_on IS NULL;
CREATE UNIQUE INDEX memberships_one_principal ON memberships (mutual_id, household_id) WHERE to_on IS NULL AND relationship = 'principal';
CREATE TABLE enrolments (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  number text COLLATE "C" NOT NULL,
  household_id uuid NOT NULL,
  product_version_id uuid NOT NULL REFERENCES product_versions (id),
  starts_on date NOT NULL,
  ends_on date NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('APPLIED', 'ADMITTED', 'REJECTED', 'CANCELLED', 'RESIGNED', 'EXCLUDED', 'TRANSFERRED', 'CLOSED')),
  first_enrolment boolean NOT NULL,
  applied_on date NOT NULL,
  admitted_on date NULL,
  ended_on date NULL,
  reason text COLLATE "C" NULL,
  waiting_from date NULL,
  recorded_at timestamp NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, number),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  CHECK (ends_on >= starts_on),
  CHECK (state NOT IN ('APPLIED', 'REJECTED') OR admitted_on IS NULL),
  CHECK (state <> 'ADMITTED' OR admitted_on IS NOT NULL)
);
CREATE INDEX enrolments_by_household ON enrolments (mutual_id, household_id);
CREATE TABLE cover_spans (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  household_id uuid NOT NULL,
  member_id uuid NOT NULL,
  enrolment_id uuid NOT NULL,
  from_on date NOT NULL,
  to_on date NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('IN_FORCE', 'SUSPENDED', 'LAPSED', 'EXPIRED', 'TERMINATED')),
  reason text COLLATE "C" NOT NULL,
  waiting_from date NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, household_id, member_id, from_on),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id),
  CHECK (to_on IS NULL OR to_on >= from_on)
);
CREATE INDEX cover_spans_by_member ON cover_spans (mutual_id, member_id, from_on);
CREATE INDEX cover_spans_by_state ON cover_spans (mutual_id, state, from_on, to_on);

-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE households ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON households USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON members USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE memberships ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON memberships USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE enrolments ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON enrolments USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE cover_spans ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON cover_spans USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
