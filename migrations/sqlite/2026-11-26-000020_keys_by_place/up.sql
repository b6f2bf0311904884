-- By what persons are found among duplicates has another form: fewer keys, those of a household side by side. The server makes
-- them anew when it starts.
DELETE FROM match_keys;
-- Few have a national id on record.
DROP INDEX members_by_national_id;
CREATE INDEX members_by_national_id ON members (mutual_id, national_id) WHERE national_id IS NOT NULL;
