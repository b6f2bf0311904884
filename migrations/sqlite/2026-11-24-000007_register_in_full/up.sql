-- The register in full: dated events of households, where they lived and when, documents, phones, consents, groups, cover
-- by other schemes, what was decided about enrolments, and the words by which names are found.

-- An area has a code of its own and, where a reform made it, predecessors; names repeat from one commune to the next.
CREATE TABLE areas_new (
  id BLOB NOT NULL PRIMARY KEY,
  country TEXT NOT NULL,
  parent_id BLOB NULL REFERENCES areas (id),
  name TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to TEXT NULL,
  version INTEGER NOT NULL,
  code TEXT NULL,
  UNIQUE (country, code)
) STRICT, WITHOUT ROWID;
INSERT INTO areas_new SELECT id, country, parent_id, name, valid_from, valid_to, version, NULL FROM areas;
DROP TABLE areas;
ALTER TABLE areas_new RENAME TO areas;
CREATE UNIQUE INDEX areas_by_name ON areas (country, name, valid_from, ifnull(parent_id, x'00'));
CREATE TABLE area_predecessors (
  area_id BLOB NOT NULL REFERENCES areas (id),
  predecessor_id BLOB NOT NULL REFERENCES areas (id),
  PRIMARY KEY (area_id, predecessor_id)
) STRICT, WITHOUT ROWID;

-- Waiting served in another household of the mutual counts from this day, where cover goes on without a break.
ALTER TABLE memberships ADD COLUMN waiting_from TEXT NULL;
CREATE TABLE household_events (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  other_household_id BLOB NULL,
  member_id BLOB NULL,
  kind TEXT NOT NULL CHECK (kind IN ('BIRTH', 'ADOPTION', 'MARRIAGE', 'ARRIVAL', 'DEATH', 'DEPARTURE', 'CHILD_OVER_AGE', 'SEPARATION', 'CHANGE_OF_PRINCIPAL', 'MOVE', 'COUNTER_EVENT')),
  happened_on TEXT NOT NULL,
  note TEXT NULL,
  reverses_id BLOB NULL,
  consequences TEXT NOT NULL,
  recorded_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, reverses_id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, other_household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, reverses_id) REFERENCES household_events (mutual_id, id),
  CHECK ((kind = 'COUNTER_EVENT') = (reverses_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX household_events_by_household ON household_events (mutual_id, household_id, happened_on, id);
CREATE INDEX household_events_by_other ON household_events (mutual_id, other_household_id);
CREATE TABLE residences (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  area_id BLOB NULL REFERENCES areas (id),
  from_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, household_id, from_on),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO residences SELECT mutual_id, id, id, area_id, registered_on, recorded_at FROM households;
CREATE INDEX households_by_area ON households (mutual_id, area_id, id);

CREATE TABLE identity_documents (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('national_id', 'birth_certificate', 'passport', 'voter_card', 'driving_licence', 'family_book', 'other')),
  number TEXT NOT NULL,
  issued_on TEXT NULL,
  expires_on TEXT NULL,
  ended_on TEXT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_documents_by_member ON identity_documents (mutual_id, member_id, id);
CREATE INDEX identity_documents_by_number ON identity_documents (mutual_id, number);
CREATE TABLE phones (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  household_id BLOB NULL,
  member_id BLOB NULL,
  e164 TEXT NOT NULL,
  raw TEXT NOT NULL,
  from_on TEXT NOT NULL,
  ended_on TEXT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK ((household_id IS NULL) <> (member_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX phones_by_number ON phones (mutual_id, e164);
CREATE INDEX phones_by_member ON phones (mutual_id, member_id, id);
CREATE INDEX phones_by_household ON phones (mutual_id, household_id, id);
INSERT INTO phones SELECT mutual_id, id, id, NULL, phone, phone, registered_on, NULL, recorded_at FROM households WHERE phone IS NOT NULL;
INSERT INTO phones SELECT mutual_id, id, NULL, id, phone, phone, substr(recorded_at, 1, 10), NULL, recorded_at FROM members WHERE phone IS NOT NULL;
CREATE TABLE consents (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN ('membership', 'photo', 'messages', 'research', 'sharing')),
  wording TEXT NOT NULL,
  given INTEGER NOT NULL,
  guardian_id BLOB NULL,
  decided_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, guardian_id) REFERENCES members (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_by_member ON consents (mutual_id, member_id, purpose, decided_on, id);
CREATE TABLE external_covers (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  scheme TEXT NOT NULL,
  number TEXT NULL,
  from_on TEXT NOT NULL,
  ended_on TEXT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (ended_on IS NULL OR ended_on >= from_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX external_covers_by_member ON external_covers (mutual_id, member_id, id);

CREATE TABLE groups (
  mutual_id BLOB NOT NULL REFERENCES organisations (id),
  id BLOB NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('cooperative', 'union', 'self_help', 'employer', 'school')),
  recorded_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE group_members (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  group_id BLOB NOT NULL,
  member_id BLOB NOT NULL,
  from_on TEXT NOT NULL,
  ended_on TEXT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, group_id) REFERENCES groups (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (ended_on IS NULL OR ended_on >= from_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_by_group ON group_members (mutual_id, group_id, id);
CREATE UNIQUE INDEX group_members_once ON group_members (mutual_id, member_id, group_id) WHERE ended_on IS NULL;

-- Each word of a folded name, so that a name is found whatever the order of its words.
CREATE TABLE name_words (
  mutual_id BLOB NOT NULL,
  word TEXT NOT NULL,
  member_id BLOB NOT NULL,
  PRIMARY KEY (mutual_id, word, member_id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX name_words_by_member ON name_words (mutual_id, member_id, word);
WITH RECURSIVE words (mutual_id, member_id, word, rest) AS (
  SELECT mutual_id, id, '', folded_name || ' ' FROM members
  UNION ALL
  SELECT mutual_id, member_id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM words WHERE rest <> '')
INSERT OR IGNORE INTO name_words (mutual_id, word, member_id) SELECT mutual_id, word, member_id FROM words WHERE word <> '';
CREATE INDEX members_by_birth ON members (mutual_id, birth_date, id);
CREATE INDEX members_by_national_id ON members (mutual_id, national_id);
CREATE INDEX enrolments_by_state ON enrolments (mutual_id, state, ends_on, id);

CREATE TABLE enrolment_steps (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  enrolment_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('APPLIED', 'ADMITTED', 'REJECTED', 'RENEWED', 'RESIGNED', 'HEARD', 'EXCLUDED', 'APPEALED', 'APPEAL_UPHELD', 'APPEAL_REFUSED', 'CANCELLED', 'CLOSED', 'ENTERED_IN_ERROR')),
  decided_on TEXT NOT NULL,
  effective_on TEXT NULL,
  reason TEXT NULL,
  note TEXT NULL,
  recorded_by BLOB NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX enrolment_steps_in_order ON enrolment_steps (mutual_id, enrolment_id, ordinal);
CREATE TABLE due_cancellations (
  mutual_id BLOB NOT NULL,
  id BLOB NOT NULL,
  due_id BLOB NOT NULL,
  household_id BLOB NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  cancelled_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, due_id),
  FOREIGN KEY (mutual_id, due_id) REFERENCES dues (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX due_cancellations_by_household ON due_cancellations (mutual_id, household_id);
