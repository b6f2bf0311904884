DROP INDEX members_by_death;
DROP INDEX transfers_by_pair;
CREATE INDEX transfers_by_value ON transfers (mutual_id, value_on, debit_account_id, credit_account_id, amount_minor);
