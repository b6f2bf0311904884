-- The field: devices of agents, the numbers given to them, what they pushed and what came of it; the feed that they pull, in
-- numbers given by the pull; which version a field was last changed in; and persons who may be one.
CREATE TABLE devices (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  agent_id BLOB NOT NULL REFERENCES users (id),
  state TEXT NOT NULL CHECK (state IN ('PENDING', 'ACTIVE', 'LOST', 'REVOKED')),
  code_hash BLOB NULL,
  code_expires_at TEXT NULL,
  public_key BLOB NULL,
  created_by BLOB NULL,
  created_at TEXT NOT NULL,
  activated_at TEXT NULL,
  last_seen_at TEXT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, code),
  CHECK ((state = 'PENDING') = (code_hash IS NOT NULL)),
  CHECK ((code_hash IS NULL) = (code_expires_at IS NULL)),
  CHECK (state <> 'ACTIVE' OR public_key IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_agent ON devices (mutual_id, agent_id, id);
CREATE INDEX devices_by_code_hash ON devices (mutual_id, code_hash);
CREATE TABLE number_blocks (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  device_id BLOB NOT NULL,
  prefix TEXT NOT NULL,
  first_serial INTEGER NOT NULL CHECK (first_serial >= 1),
  last_serial INTEGER NOT NULL CHECK (last_serial >= first_serial),
  issued_on TEXT NOT NULL,
  expires_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, first_serial),
  FOREIGN KEY (mutual_id, device_id) REFERENCES devices (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX number_blocks_by_device ON number_blocks (mutual_id, device_id, first_serial);
CREATE TABLE sync_results (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  device_id BLOB NOT NULL,
  hash BLOB NOT NULL,
  result TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, device_id) REFERENCES devices (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sync_results_by_time ON sync_results (mutual_id, recorded_at, id);
CREATE TABLE sync_proposals (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  device_id BLOB NOT NULL,
  agent_id BLOB NOT NULL,
  operation TEXT NOT NULL,
  entity TEXT NOT NULL,
  section_id BLOB NULL,
  content TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('rejected', 'conflict')),
  code TEXT NOT NULL,
  fields TEXT NOT NULL,
  detail TEXT NULL,
  received_at TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('OPEN', 'ACCEPTED', 'DISCARDED')),
  decided_by BLOB NULL,
  decided_at TEXT NULL,
  note TEXT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, device_id) REFERENCES devices (mutual_id, id),
  CHECK ((state = 'OPEN') = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX sync_proposals_by_state ON sync_proposals (mutual_id, state, id);
CREATE TABLE held_pushes (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  device_id BLOB NOT NULL,
  body TEXT NOT NULL,
  signed_at TEXT NOT NULL,
  received_at TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('HELD', 'APPLIED', 'DISCARDED')),
  decided_by BLOB NULL,
  decided_at TEXT NULL,
  note TEXT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, device_id) REFERENCES devices (mutual_id, id),
  CHECK ((state = 'HELD') = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX held_pushes_by_state ON held_pushes (mutual_id, state, id);
CREATE TABLE field_versions (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  entity_id BLOB NOT NULL,
  field TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  PRIMARY KEY (mutual_id, entity_id, field)
) STRICT, WITHOUT ROWID;
CREATE TABLE feed_heads (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  epoch BLOB NOT NULL,
  last_number INTEGER NOT NULL CHECK (last_number >= 0),
  forgotten_to INTEGER NOT NULL CHECK (forgotten_to >= 0),
  PRIMARY KEY (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE changes (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  number INTEGER NOT NULL CHECK (number >= 1),
  entity_kind TEXT NOT NULL,
  entity_id BLOB NOT NULL,
  section_before BLOB NULL,
  section_after BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE match_keys (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  key TEXT NOT NULL,
  member_id BLOB NOT NULL,
  PRIMARY KEY (mutual_id, key, member_id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX match_keys_by_member ON match_keys (mutual_id, member_id, key);
CREATE TABLE possible_duplicates (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  other_id BLOB NOT NULL,
  score INTEGER NOT NULL CHECK (score BETWEEN 0 AND 100),
  state TEXT NOT NULL CHECK (state IN ('OPEN', 'SAME', 'DIFFERENT')),
  found_at TEXT NOT NULL,
  decided_by BLOB NULL,
  decided_at TEXT NULL,
  note TEXT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, member_id, other_id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, other_id) REFERENCES members (mutual_id, id),
  CHECK ((state = 'OPEN') = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX possible_duplicates_by_state ON possible_duplicates (mutual_id, state, id);
CREATE INDEX possible_duplicates_by_other ON possible_duplicates (mutual_id, other_id);
