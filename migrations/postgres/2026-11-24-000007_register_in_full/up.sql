-- The register in full: dated events of households, where they lived and when, documents, phones, consents, groups, cover
-- by other schemes, what was decided about enrolments, and the words by which names are found.

-- An area has a code of its own and, where a reform made it, predecessors; names repeat from one commune to the next.
ALTER TABLE areas ADD COLUMN code text COLLATE "C" NULL;
ALTER TABLE areas DROP CONSTRAINT areas_country_name_valid_from_key;
ALTER TABLE areas ADD UNIQUE (country, code);
CREATE UNIQUE INDEX areas_by_name ON areas (country, name, valid_from, coalesce(parent_id, '00000000-0000-0000-0000-000000000000'));
CREATE TABLE area_predecessors (
  area_id uuid NOT NULL REFERENCES areas (id),
  predecessor_id uuid NOT NULL REFERENCES areas (id),
  PRIMARY KEY (area_id, predecessor_id)
);

-- Waiting served in another household of the mutual counts from this day, where cover goes on without a break.
ALTER TABLE memberships ADD COLUMN waiting_from date NULL;
CREATE TABLE household_events (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  household_id uuid NOT NULL,
  other_household_id uuid NULL,
  member_id uuid NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('BIRTH', 'ADOPTION', 'MARRIAGE', 'ARRIVAL', 'DEATH', 'DEPARTURE', 'CHILD_OVER_AGE', 'SEPARATION', 'CHANGE_OF_PRINCIPAL', 'MOVE', 'COUNTER_EVENT')),
  happened_on date NOT NULL,
  note text COLLATE "C" NULL,
  reverses_id uuid NULL,
  consequences text COLLATE "C" NOT NULL,
  recorded_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, reverses_id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, other_household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, reverses_id) REFERENCES household_events (mutual_id, id),
  CHECK ((kind = 'COUNTER_EVENT') = (reverses_id IS NOT NULL))
);
CREATE INDEX household_events_by_household ON household_events (mutual_id, household_id, happened_on, id);
CREATE INDEX household_events_by_other ON household_events (mutual_id, other_household_id);
CREATE TABLE residences (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  household_id uuid NOT NULL,
  area_id uuid NULL REFERENCES areas (id),
  from_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, household_id, from_on),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id)
);
INSERT INTO residences SELECT mutual_id, id, id, area_id, registered_on, recorded_at FROM households;
CREATE INDEX households_by_area ON households (mutual_id, area_id, id);

CREATE TABLE identity_documents (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  member_id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('national_id', 'birth_certificate', 'passport', 'voter_card', 'driving_licence', 'family_book', 'other')),
  number text COLLATE "C" NOT NULL,
  issued_on date NULL,
  expires_on date NULL,
  ended_on date NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id)
);
CREATE INDEX identity_documents_by_member ON identity_documents (mutual_id, member_id, id);
CREATE INDEX identity_documents_by_number ON identity_documents (mutual_id, number);
CREATE TABLE phones (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  household_id uuid NULL,
  member_id uuid NULL,
  e164 text COLLATE "C" NOT NULL,
  raw text COLLATE "C" NOT NULL,
  from_on date NOT NULL,
  ended_on date NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK ((household_id IS NULL) <> (member_id IS NULL))
);
CREATE INDEX phones_by_number ON phones (mutual_id, e164);
CREATE INDEX phones_by_member ON phones (mutual_id, member_id, id);
CREATE INDEX phones_by_household ON phones (mutual_id, household_id, id);
INSERT INTO phones SELECT mutual_id, id, id, NULL, phone, phone, registered_on, NULL, recorded_at FROM households WHERE phone IS NOT NULL;
INSERT INTO phones SELECT mutual_id, id, NULL, id, phone, phone, recorded_at::date, NULL, recorded_at FROM members WHERE phone IS NOT NULL;
CREATE TABLE consents (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  member_id uuid NOT NULL,
  purpose text COLLATE "C" NOT NULL CHECK (purpose IN ('membership', 'photo', 'messages', 'research', 'sharing')),
  wording text COLLATE "C" NOT NULL,
  given boolean NOT NULL,
  guardian_id uuid NULL,
  decided_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  FOREIGN KEY (mutual_id, guardian_id) REFERENCES members (mutual_id, id)
);
CREATE INDEX consents_by_member ON consents (mutual_id, member_id, purpose, decided_on, id);
CREATE TABLE external_covers (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  member_id uuid NOT NULL,
  scheme text COLLATE "C" NOT NULL,
  number text COLLATE "C" NULL,
  from_on date NOT NULL,
  ended_on date NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (ended_on IS NULL OR ended_on >= from_on)
);
CREATE INDEX external_covers_by_member ON external_covers (mutual_id, member_id, id);

CREATE TABLE groups (
  mutual_id uuid NOT NULL REFERENCES organisations (id),
  id uuid NOT NULL,
  code text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('cooperative', 'union', 'self_help', 'employer', 'school')),
  recorded_at timestamp NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, code)
);
CREATE TABLE group_members (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  group_id uuid NOT NULL,
  member_id uuid NOT NULL,
  from_on date NOT NULL,
  ended_on date NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, group_id) REFERENCES groups (mutual_id, id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id),
  CHECK (ended_on IS NULL OR ended_on >= from_on)
);
CREATE INDEX group_members_by_group ON group_members (mutual_id, group_id, id);
CREATE UNIQUE INDEX group_members_once ON group_members (mutual_id, member_id, group_id) WHERE ended_on IS NULL;

-- Each word of a folded name, so that a name is found whatever the order of its words.
CREATE TABLE name_words (
  mutual_id uuid NOT NULL,
  word text COLLATE "C" NOT NULL,
  member_id uuid NOT NULL,
  PRIMARY KEY (mutual_id, word, member_id),
  FOREIGN KEY (mutual_id, member_id) REFERENCES members (mutual_id, id)
);
CREATE INDEX name_words_by_member ON name_words (mutual_id, member_id, word);
INSERT INTO name_words (mutual_id, word, member_id) SELECT DISTINCT mutual_id, word, id FROM members, unnest(string_to_array(folded_name, ' ')) AS word WHERE word <> '';
CREATE INDEX members_by_birth ON members (mutual_id, birth_date, id);
CREATE INDEX members_by_national_id ON members (mutual_id, national_id);
CREATE INDEX enrolments_by_state ON enrolments (mutual_id, state, ends_on, id);

CREATE TABLE enrolment_steps (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  enrolment_id uuid NOT NULL,
  ordinal integer NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('APPLIED', 'ADMITTED', 'REJECTED', 'RENEWED', 'RESIGNED', 'HEARD', 'EXCLUDED', 'APPEALED', 'APPEAL_UPHELD', 'APPEAL_REFUSED', 'CANCELLED', 'CLOSED', 'ENTERED_IN_ERROR')),
  decided_on date NOT NULL,
  effective_on date NULL,
  reason text COLLATE "C" NULL,
  note text COLLATE "C" NULL,
  recorded_by uuid NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  FOREIGN KEY (mutual_id, enrolment_id) REFERENCES enrolments (mutual_id, id)
);
CREATE UNIQUE INDEX enrolment_steps_in_order ON enrolment_steps (mutual_id, enrolment_id, ordinal);
CREATE TABLE due_cancellations (
  mutual_id uuid NOT NULL,
  id uuid NOT NULL,
  due_id uuid NOT NULL,
  household_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  cancelled_on date NOT NULL,
  recorded_at timestamp NOT NULL,
  PRIMARY KEY (mutual_id, id),
  UNIQUE (mutual_id, due_id),
  FOREIGN KEY (mutual_id, due_id) REFERENCES dues (mutual_id, id),
  FOREIGN KEY (mutual_id, household_id) REFERENCES households (mutual_id, id)
);
CREATE INDEX due_cancellations_by_household ON due_cancellations (mutual_id, household_id);

ALTER TABLE household_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON household_events USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE residences ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON residences USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE identity_documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON identity_documents USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE phones ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON phones USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE consents ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON consents USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE external_covers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON external_covers USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE groups ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON groups USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE group_members ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON group_members USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE name_words ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON name_words USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE enrolment_steps ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON enrolment_steps USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
ALTER TABLE due_cancellations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_mutual ON due_cancellations USING (mutual_id = (SELECT nullif(current_setting('app.mutual', true), '')::uuid));
REVOKE UPDATE, DELETE ON household_events, consents, enrolment_steps, due_cancellations FROM ayni_app;
