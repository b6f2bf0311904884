-- Proofs of affiliation: the cards of persons, the certificates of households, and their revocations. The QR code and its
-- token are made anew from the row and the key that it names; only the token's hash is kept.
CREATE TABLE proofs (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('card', 'certificate')),
  household_id uuid NOT NULL,
  member_id uuid NOT NULL,
  ordinal integer NOT NULL CHECK (ordinal >= 1),
  token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
  kid text COLLATE "C" NOT NULL,
  issued_on date NOT NULL,
  expires_on date NOT NULL,
  recorded_by uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, token_hash),
  UNIQUE (mutual_id, member_id, kind, ordinal),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (expires_on >= issued_on)
);
CREATE INDEX proofs_by_household ON proofs (mutual_id, household_id, id);
CREATE TABLE proof_members (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  proof_id uuid NOT NULL,
  member_id uuid NOT NULL,
  relationship text COLLATE "C" NOT NULL CHECK (relationship IN ('principal', 'spouse', 'child', 'parent', 'sibling', 'other')),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, proof_id, member_id),
  FOREIGN KEY (mutual_id, proof_id) REFERENCES proofs (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id)
);
CREATE TABLE proof_revocations (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  proof_id uuid NOT NULL,
  reason text COLLATE "C" NOT NULL CHECK (reason IN ('LOST', 'STOLEN', 'REPLACED', 'LEFT', 'DECEASED', 'ERROR')),
  revoked_on date NOT NULL,
  recorded_by uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, proof_id),
  FOREIGN KEY (mutual_id, proof_id) REFERENCES proofs (mutual_id, id)
);

-- What anybody may ask without a login stands outside the walls: to which mutual a token leads, and which tokens are
-- revoked. A row holds the hash of 128 random bits, its mutual and days; no person, and no way from one to a person but
-- through the mutual's walls. So the list of revoked tokens is one query, and not one transaction for each mutual.
CREATE TABLE proof_tokens (
  token_hash bytea NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
  owner_id uuid NOT NULL REFERENCES organisations (id),
  expires_on date NOT NULL
);
CREATE TABLE revoked_tokens (
  token_hash bytea NOT NULL PRIMARY KEY REFERENCES proof_tokens (token_hash),
  revoked_on date NOT NULL
);

ALTER TABLE proofs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON proofs USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE proof_members ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON proof_members USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE proof_revocations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON proof_revocations USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
REVOKE UPDATE, DELETE ON proofs, proof_members, proof_revocations, proof_tokens, revoked_tokens FROM ayni_app;
