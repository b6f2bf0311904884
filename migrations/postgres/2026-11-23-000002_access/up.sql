-- Who may come in: users, their one-time codes, sessions and grants.
CREATE TABLE users (
  id uuid NOT NULL PRIMARY KEY,
  email text COLLATE "C" NULL UNIQUE,
  phone text COLLATE "C" NULL UNIQUE,
  name text COLLATE "C" NOT NULL,
  password_hash text COLLATE "C" NULL,
  disabled_at timestamp NULL,
  created_at timestamp NOT NULL,
  version bigint NOT NULL,
  CHECK (email IS NOT NULL OR phone IS NOT NULL)
);
CREATE TABLE one_time_codes (
  id uuid NOT NULL PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id),
  code_hash bytea NOT NULL UNIQUE,
  created_at timestamp NOT NULL,
  expires_at timestamp NOT NULL,
  used_at timestamp NULL
);
CREATE INDEX one_time_codes_by_user ON one_time_codes (user_id);
CREATE TABLE sessions (
  id uuid NOT NULL PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id),
  client text COLLATE "C" NULL,
  created_at timestamp NOT NULL,
  last_used_at timestamp NOT NULL,
  expires_at timestamp NOT NULL,
  ended_at timestamp NULL,
  end_reason text COLLATE "C" NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, ended_at);
CREATE INDEX sessions_by_end ON sessions (ended_at);
CREATE TABLE refresh_tokens (
  token_hash bytea NOT NULL PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions (id),
  created_at timestamp NOT NULL,
  used_at timestamp NULL
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
CREATE TABLE grants (
  id uuid NOT NULL PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id),
  role text COLLATE "C" NOT NULL CHECK (role IN ('system_admin', 'platform_admin', 'platform_analyst', 'auditor',
    'mutual_admin', 'registrar', 'treasurer', 'claims_officer', 'medical_adviser', 'field_agent', 'provider_clerk')),
  organisation_id uuid NULL REFERENCES organisations (id),
  provider_id uuid NULL,
  reason text COLLATE "C" NULL,
  granted_by uuid NULL,
  granted_at timestamp NOT NULL,
  expires_at timestamp NULL,
  ended_at timestamp NULL,
  ended_by uuid NULL,
  CHECK ((organisation_id IS NULL) <> (provider_id IS NULL)),
  CHECK ((role = 'provider_clerk') = (provider_id IS NOT NULL))
);
CREATE INDEX grants_by_user ON grants (user_id, ended_at);
CREATE INDEX grants_by_organisation ON grants (organisation_id, ended_at);
CREATE TABLE access_state (
  id integer NOT NULL PRIMARY KEY CHECK (id = 1),
  version bigint NOT NULL
);
INSERT INTO access_state (id, version) VALUES (1, 1);
