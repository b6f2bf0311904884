-- The role under which the server works: neither owner nor superuser, so that the walls below hold for it. It belongs to
-- the whole cluster, so another database may have made it already, or be making it now.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ayni_app') THEN
    BEGIN
      CREATE ROLE ayni_app NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END IF;
  IF NOT pg_has_role(current_user, 'ayni_app', 'MEMBER') THEN
    EXECUTE format('GRANT ayni_app TO %I', current_user);
  END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO ayni_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ayni_app;
GRANT SELECT ON __diesel_schema_migrations TO ayni_app;

-- What every part stands on: organisations and their dated links, areas, the command frame, the audit.
CREATE TABLE organisations (
  id uuid NOT NULL PRIMARY KEY,
  code text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('root', 'network', 'platform', 'federation', 'mutual', 'section')),
  country text COLLATE "C" NULL,
  currency text COLLATE "C" NULL,
  timezone text COLLATE "C" NOT NULL,
  card_prefix text COLLATE "C" NULL UNIQUE,
  created_at timestamp NOT NULL,
  version bigint NOT NULL,
  CHECK (kind <> 'mutual' OR (country IS NOT NULL AND currency IS NOT NULL AND card_prefix IS NOT NULL))
);
CREATE TABLE organisation_links (
  id uuid NOT NULL PRIMARY KEY,
  child_id uuid NOT NULL REFERENCES organisations (id),
  parent_id uuid NOT NULL REFERENCES organisations (id),
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('parent', 'member_of')),
  valid_from date NOT NULL,
  valid_to date NULL,
  created_at timestamp NOT NULL,
  CHECK (child_id <> parent_id),
  CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE INDEX organisation_links_by_child ON organisation_links (child_id, kind);
CREATE INDEX organisation_links_by_parent ON organisation_links (parent_id, kind);
CREATE TABLE areas (
  id uuid NOT NULL PRIMARY KEY,
  country text COLLATE "C" NOT NULL,
  parent_id uuid NULL REFERENCES areas (id),
  name text COLLATE "C" NOT NULL,
  valid_from date NOT NULL,
  valid_to date NULL,
  version bigint NOT NULL,
  UNIQUE (country, name, valid_from)
);
CREATE TABLE commands (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  route text COLLATE "C" NOT NULL,
  actor_id uuid NULL,
  request_hash bytea NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id)
);
CREATE TABLE audit_rows (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  recorded_at timestamp NOT NULL,
  actor_id uuid NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('write', 'read')),
  route text COLLATE "C" NOT NULL,
  purpose text COLLATE "C" NOT NULL,
  request_id uuid NOT NULL,
  command_id uuid NULL,
  entities text COLLATE "C" NOT NULL,
  fields text COLLATE "C" NOT NULL,
  salt bytea NOT NULL,
  digest bytea NOT NULL,
  PRIMARY KEY (mutual_id, id)
);
CREATE INDEX audit_rows_by_time ON audit_rows (mutual_id, recorded_at, id);
CREATE INDEX audit_rows_by_command ON audit_rows (mutual_id, command_id);
CREATE TABLE audit_values (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  content text COLLATE "C" NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, id) REFERENCES audit_rows (mutual_id, id)
);
CREATE TABLE fact_marks (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  month date NOT NULL,
  command_id uuid NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, month, command_id)
);
CREATE TABLE changes_pending (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  entity_kind text COLLATE "C" NOT NULL,
  entity_id uuid NOT NULL,
  section_before uuid NULL,
  section_after uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id)
);
CREATE TABLE series (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('card', 'receipt', 'household', 'enrolment')),
  issuer_id uuid NOT NULL,
  year integer NOT NULL,
  label text COLLATE "C" NOT NULL,
  last_number bigint NOT NULL CHECK (last_number >= 0),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, kind, issuer_id, year)
);
INSERT INTO organisations (id, code, name, kind, country, currency, timezone, card_prefix, created_at, version)
VALUES ('00000000-0000-0000-0000-000000000000', 'ROOT', 'Ayni', 'root', NULL, NULL, 'UTC', NULL, '2026-01-01 00:00:00', 1);

-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE commands ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON commands USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE audit_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON audit_rows USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
CREATE POLICY batch_insert ON audit_rows FOR INSERT WITH CHECK (true);
ALTER TABLE audit_values ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON audit_values USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
CREATE POLICY batch_insert ON audit_values FOR INSERT WITH CHECK (true);
ALTER TABLE fact_marks ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON fact_marks USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE changes_pending ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON changes_pending USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE series ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON series USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));

-- What happened is never edited by the program.
REVOKE UPDATE, DELETE ON commands, audit_rows FROM ayni_app;
