DROP INDEX held_pushes_by_content;
ALTER TABLE held_pushes DROP COLUMN content_hash;
DROP INDEX members_by_death;
DROP INDEX transfers_by_pair;
DROP INDEX transfers_by_day;
CREATE INDEX transfers_by_value ON transfers (mutual_id, value_on, debit_account_id, credit_account_id, amount_minor);
