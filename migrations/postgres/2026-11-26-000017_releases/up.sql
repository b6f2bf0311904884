-- Months that were closed, and what bodies above a mutual see of a month: frozen copies that hold no person.
CREATE TABLE month_steps (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  month date NOT NULL,
  ordinal integer NOT NULL CHECK (ordinal >= 1),
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('CLOSED', 'REOPENED', 'CORRECTED')),
  despite text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NULL,
  recorded_on date NOT NULL,
  requested_by uuid NULL,
  recorded_by uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, month, ordinal)
);
CREATE TABLE releases (
  id uuid NOT NULL PRIMARY KEY,
  unit_id uuid NOT NULL REFERENCES organisations (id),
  month date NOT NULL,
  number bigint NOT NULL CHECK (number >= 1),
  basis text COLLATE "C" NOT NULL CHECK (basis IN ('provisional', 'closed', 'correction', 'return')),
  source text COLLATE "C" NOT NULL CHECK (source IN ('register', 'paper', 'file')),
  as_of timestamp NOT NULL,
  stock_on date NOT NULL,
  currency text COLLATE "C" NOT NULL,
  definition text COLLATE "C" NOT NULL,
  figures text COLLATE "C" NOT NULL,
  note text COLLATE "C" NULL,
  recorded_by uuid NULL,
  replaced_by uuid NULL,
  UNIQUE (unit_id, month, number)
);
CREATE TABLE release_cuts (
  release_id uuid NOT NULL REFERENCES releases (id),
  dimension text COLLATE "C" NOT NULL CHECK (dimension IN ('sex_age', 'area', 'payer', 'category', 'provider', 'reason', 'days_from_event', 'days_from_submission')),
  cells text COLLATE "C" NOT NULL,
  PRIMARY KEY (release_id, dimension)
);
CREATE TABLE figure_settings (
  organisation_id uuid NOT NULL PRIMARY KEY REFERENCES organisations (id),
  due_days integer NULL CHECK (due_days BETWEEN 1 AND 365),
  age_bands text COLLATE "C" NULL,
  version bigint NOT NULL
);
CREATE TABLE target_populations (
  id uuid NOT NULL PRIMARY KEY,
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  valid_from date NOT NULL,
  persons bigint NOT NULL CHECK (persons > 0),
  households bigint NULL CHECK (households > 0),
  source text COLLATE "C" NOT NULL,
  recorded_by uuid NULL,
  recorded_at timestamp NOT NULL,
  UNIQUE (organisation_id, valid_from)
);
CREATE INDEX releases_that_stand ON releases (month, unit_id) WHERE replaced_by IS NULL;

-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE month_steps ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON month_steps USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
