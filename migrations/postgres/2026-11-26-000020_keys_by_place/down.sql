TRUNCATE match_keys;
DROP INDEX members_by_national_id;
CREATE INDEX members_by_national_id ON members (mutual_id, national_id);
