-- Proofs of affiliation: the cards of persons, the certificates of households, and their revocations. The QR code and its
-- token are made anew from the row and the key that it names; only the token's hash is kept.
CREATE TABLE proofs (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('card', 'certificate')),
  household_id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
  token_hash BLOB NOT NULL CHECK (length(token_hash) = 32),
  kid TEXT NOT NULL,
  issued_on TEXT NOT NULL,
  expires_on TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, token_hash),
  UNIQUE (mutual_id, member_id, kind, ordinal),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (expires_on >= issued_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX proofs_by_household ON proofs (mutual_id, household_id, id);
CREATE TABLE proof_members (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  proof_id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  relationship TEXT NOT NULL CHECK (relationship IN ('principal', 'spouse', 'child', 'parent', 'sibling', 'other')),
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, proof_id, member_id),
  FOREIGN KEY (mutual_id, proof_id) REFERENCES proofs (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE proof_revocations (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  proof_id BLOB NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('LOST', 'STOLEN', 'REPLACED', 'LEFT', 'DECEASED', 'ERROR')),
  revoked_on TEXT NOT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, proof_id),
  FOREIGN KEY (mutual_id, proof_id) REFERENCES proofs (mutual_id, id)
) STRICT, WITHOUT ROWID;

-- What anybody may ask without a login stands outside the walls: to which mutual a token leads, and which tokens are
-- revoked. A row holds the hash of 128 random bits, its mutual and days; no person, and no way from one to a person but
-- through the mutual's walls. So the list of revoked tokens is one query, and not one transaction for each mutual.
CREATE TABLE proof_tokens (
  token_hash BLOB NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
  owner_id BLOB NOT NULL REFERENCES organisations (id),
  expires_on TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE revoked_tokens (
  token_hash BLOB NOT NULL PRIMARY KEY REFERENCES proof_tokens (token_hash),
  revoked_on TEXT NOT NULL
) STRICT, WITHOUT ROWID;
