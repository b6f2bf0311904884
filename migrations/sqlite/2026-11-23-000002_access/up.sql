-- Who may come in: users, their one-time codes, sessions and grants.
CREATE TABLE users (
  id BLOB NOT NULL PRIMARY KEY,
  email TEXT NULL UNIQUE,
  phone TEXT NULL UNIQUE,
  name TEXT NOT NULL,
  password_hash TEXT NULL,
  disabled_at TEXT NULL,
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  CHECK (email IS NOT NULL OR phone IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE TABLE one_time_codes (
  id BLOB NOT NULL PRIMARY KEY,
  user_id BLOB NOT NULL REFERENCES users (id),
  code_hash BLOB NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used_at TEXT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_codes_by_user ON one_time_codes (user_id);
CREATE TABLE sessions (
  id BLOB NOT NULL PRIMARY KEY,
  user_id BLOB NOT NULL REFERENCES users (id),
  client TEXT NULL,
  created_at TEXT NOT NULL,
  last_used_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  ended_at TEXT NULL,
  end_reason TEXT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id, ended_at);
CREATE INDEX sessions_by_end ON sessions (ended_at);
CREATE TABLE refresh_tokens (
  token_hash BLOB NOT NULL PRIMARY KEY,
  session_id BLOB NOT NULL REFERENCES sessions (id),
  created_at TEXT NOT NULL,
  used_at TEXT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
CREATE TABLE grants (
  id BLOB NOT NULL PRIMARY KEY,
  user_id BLOB NOT NULL REFERENCES users (id),
  role TEXT NOT NULL CHECK (role IN ('system_admin', 'platform_admin', 'platform_analyst', 'auditor',
    'mutual_admin', 'registrar', 'treasurer', 'claims_officer', 'medical_adviser', 'field_agent', 'provider_clerk')),
  organisation_id BLOB NULL REFERENCES organisations (id),
  provider_id BLOB NULL,
  reason TEXT NULL,
  granted_by BLOB NULL,
  granted_at TEXT NOT NULL,
  expires_at TEXT NULL,
  ended_at TEXT NULL,
  ended_by BLOB NULL,
  CHECK ((organisation_id IS NULL) <> (provider_id IS NULL)),
  CHECK ((role = 'provider_clerk') = (provider_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_user ON grants (user_id, ended_at);
CREATE INDEX grants_by_organisation ON grants (organisation_id, ended_at);
CREATE TABLE access_state (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO access_state (id, version) VALUES (1, 1);
