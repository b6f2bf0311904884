-- What every part stands on: organisations and their dated links, areas, the command frame, the audit.
CREATE TABLE organisations (
  id BLOB NOT NULL PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('root', 'network', 'platform', 'federation', 'mutual', 'section')),
  country TEXT NULL,
  currency TEXT NULL,
  timezone TEXT NOT NULL,
  card_prefix TEXT NULL UNIQUE,
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  CHECK (kind <> 'mutual' OR (country IS NOT NULL AND currency IS NOT NULL AND card_prefix IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE organisation_links (
  id BLOB NOT NULL PRIMARY KEY,
  child_id BLOB NOT NULL REFERENCES organisations (id),
  parent_id BLOB NOT NULL REFERENCES organisations (id),
  kind TEXT NOT NULL CHECK (kind IN ('parent', 'member_of')),
  valid_from TEXT NOT NULL,
  valid_to TEXT NULL,
  created_at TEXT NOT NULL,
  CHECK (child_id <> parent_id),
  CHECK (valid_to IS NULL OR valid_to >= valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX organisation_links_by_child ON organisation_links (child_id, kind);
CREATE INDEX organisation_links_by_parent ON organisation_links (parent_id, kind);
CREATE TABLE areas (
  id BLOB NOT NULL PRIMARY KEY,
  country TEXT NOT NULL,
  parent_id BLOB NULL REFERENCES areas (id),
  name TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to TEXT NULL,
  version INTEGER NOT NULL,
  UNIQUE (country, name, valid_from)
) STRICT, WITHOUT ROWID;
CREATE TABLE commands (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  route TEXT NOT NULL,
  actor_id BLOB NULL,
  request_hash BLOB NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_rows (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  recorded_at TEXT NOT NULL,
  actor_id BLOB NULL,
  kind TEXT NOT NULL CHECK (kind IN ('write', 'read')),
  route TEXT NOT NULL,
  purpose TEXT NOT NULL,
  request_id BLOB NOT NULL,
  command_id BLOB NULL,
  entities TEXT NOT NULL,
  fields TEXT NOT NULL,
  salt BLOB NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_rows_by_time ON audit_rows (mutual_id, recorded_at, id);
CREATE INDEX audit_rows_by_command ON audit_rows (mutual_id, command_id);
CREATE TABLE audit_values (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  content TEXT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, id) REFERENCES audit_rows (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE fact_marks (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  month TEXT NOT NULL,
  command_id BLOB NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, month, command_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE changes_pending (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  entity_kind TEXT NOT NULL,
  entity_id BLOB NOT NULL,
  section_before BLOB NULL,
  section_after BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE series (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('card', 'receipt', 'household', 'enrolment')),
  issuer_id BLOB NOT NULL,
  year INTEGER NOT NULL,
  label TEXT NOT NULL,
  last_number INTEGER NOT NULL CHECK (last_number >= 0),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, kind, issuer_id, year)
) STRICT, WITHOUT ROWID;
INSERT INTO organisations (id, code, name, kind, country, currency, timezone, card_prefix, created_at, version)
VALUES (x'00000000000000000000000000000000', 'ROOT', 'Ayni', 'root', NULL, NULL, 'UTC', NULL, '2026-01-01 00:00:00', 1);
