-- Keys of programs that pull figures of a body.
CREATE TABLE api_keys (
  id uuid NOT NULL PRIMARY KEY,
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  name text COLLATE "C" NOT NULL,
  secret_hash bytea NOT NULL,
  scopes text COLLATE "C" NOT NULL,
  created_by uuid NULL,
  created_at timestamp NOT NULL,
  expires_at timestamp NOT NULL,
  last_used_at timestamp NULL,
  revoked_at timestamp NULL,
  version bigint NOT NULL
);
CREATE INDEX api_keys_by_organisation ON api_keys (organisation_id, id);
