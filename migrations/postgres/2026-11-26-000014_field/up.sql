-- The field: devices of agents, the numbers given to them, what they pushed and what came of it; the feed that they pull, in
-- numbers given by the pull; which version a field was last changed in; and persons who may be one.
CREATE TABLE devices (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  code text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  agent_id uuid NOT NULL REFERENCES users (id),
  state text COLLATE "C" NOT NULL CHECK (state IN ('PENDING', 'ACTIVE', 'LOST', 'REVOKED')),
  code_hash bytea NULL,
  code_expires_at timestamp NULL,
  public_key bytea NULL,
  created_by uuid NULL,
  created_at timestamp NOT NULL,
  activated_at timestamp NULL,
  last_seen_at timestamp NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, code),
  CHECK ((state = 'PENDING') = (code_hash IS NOT NULL)),
  CHECK ((code_hash IS NULL) = (code_expires_at IS NULL)),
  CHECK (state <> 'ACTIVE' OR public_key IS NOT NULL)
);
CREATE INDEX devices_by_agent ON devices (mutual_id, agent_id, id);
CREATE INDEX devices_by_code_hash ON devices (mutual_id, code_hash);
CREATE TABLE number_blocks (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  device_id uuid NOT NULL,
  prefix text COLLATE "C" NOT NULL,
  first_serial bigint NOT NULL CHECK (first_serial >= 1),
  last_serial bigint NOT NULL CHECK (last_serial >= first_serial),
  issued_on date NOT NULL,
  expires_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, first_serial),
  FOREIGN KEY (mutual_id, device_id) REFERENCES devices (mutual_id, id)
);
CREATE INDEX number_blocks_by_device ON number_blocks (mutual_id, device_id, first_serial);
CREATE TABLE sync_results (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  device_id uuid NOT NULL,
  hash bytea NOT NULL,
  result text COLLATE "C" NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, device_id) REFERENCES devices (mutual_id, id)
);
CREATE INDEX sync_results_by_time ON sync_results (mutual_id, recorded_at, id);
CREATE TABLE sync_proposals (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  device_id uuid NOT NULL,
  agent_id uuid NOT NULL,
  operation text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  section_id uuid NULL,
  content text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL CHECK (status IN ('rejected', 'conflict')),
  code text COLLATE "C" NOT NULL,
  fields text COLLATE "C" NOT NULL,
  detail text COLLATE "C" NULL,
  received_at timestamp NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('OPEN', 'ACCEPTED', 'DISCARDED')),
  decided_by uuid NULL,
  decided_at timestamp NULL,
  note text COLLATE "C" NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, device_id) REFERENCES devices (mutual_id, id),
  CHECK ((state = 'OPEN') = (decided_at IS NULL))
);
CREATE INDEX sync_proposals_by_state ON sync_proposals (mutual_id, state, id);
CREATE TABLE held_pushes (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  device_id uuid NOT NULL,
  body text COLLATE "C" NOT NULL,
  signed_at text COLLATE "C" NOT NULL,
  received_at timestamp NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('HELD', 'APPLIED', 'DISCARDED')),
  decided_by uuid NULL,
  decided_at timestamp NULL,
  note text COLLATE "C" NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, device_id) REFERENCES devices (mutual_id, id),
  CHECK ((state = 'HELD') = (decided_at IS NULL))
);
CREATE INDEX held_pushes_by_state ON held_pushes (mutual_id, state, id);
CREATE TABLE field_versions (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  entity_id uuid NOT NULL,
  field text COLLATE "C" NOT NULL,
  version bigint NOT NULL CHECK (version >= 1),
  PRIMARY KEY (mutual_id, entity_id, field)
);
CREATE TABLE feed_heads (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  epoch uuid NOT NULL,
  last_number bigint NOT NULL CHECK (last_number >= 0),
  forgotten_to bigint NOT NULL CHECK (forgotten_to >= 0),
  PRIMARY KEY (mutual_id, id)
);
CREATE TABLE changes (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  number bigint NOT NULL CHECK (number >= 1),
  entity_kind text COLLATE "C" NOT NULL,
  entity_id uuid NOT NULL,
  section_before uuid NULL,
  section_after uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, number)
);
CREATE TABLE match_keys (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  key text COLLATE "C" NOT NULL,
  member_id uuid NOT NULL,
  PRIMARY KEY (mutual_id, key, member_id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id)
);
CREATE INDEX match_keys_by_member ON match_keys (mutual_id, member_id, key);
CREATE TABLE possible_duplicates (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  member_id uuid NOT NULL,
  other_id uuid NOT NULL,
  score bigint NOT NULL CHECK (score BETWEEN 0 AND 100),
  state text COLLATE "C" NOT NULL CHECK (state IN ('OPEN', 'SAME', 'DIFFERENT')),
  found_at timestamp NOT NULL,
  decided_by uuid NULL,
  decided_at timestamp NULL,
  note text COLLATE "C" NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, member_id, other_id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, other_id) REFERENCES members (mutual_id, id),
  CHECK ((state = 'OPEN') = (decided_at IS NULL))
);
CREATE INDEX possible_duplicates_by_state ON possible_duplicates (mutual_id, state, id);
CREATE INDEX possible_duplicates_by_other ON possible_duplicates (mutual_id, other_id);

-- Walls: a row of a mutual is seen only inside a transaction that named this mutual.
ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON devices USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE number_blocks ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON number_blocks USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE sync_results ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON sync_results USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE sync_proposals ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON sync_proposals USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE held_pushes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON held_pushes USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE field_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON field_versions USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE feed_heads ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON feed_heads USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON changes USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE match_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON match_keys USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE possible_duplicates ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON possible_duplicates USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
