-- The books of a month and the balances at its end are sums by pairs of accounts, read from the index alone and in its order.
DROP INDEX transfers_by_value;
CREATE INDEX transfers_by_day ON transfers (mutual_id, book, value_on, id);
CREATE INDEX transfers_by_pair ON transfers (mutual_id, debit_account_id, credit_account_id, value_on, amount_minor);
-- Who has died is counted apart from who belongs to a household.
CREATE INDEX members_by_death ON members (mutual_id, died_on) WHERE died_on IS NOT NULL;
-- What a lost device sends again in another envelope is the same: the SHA-256 of its operations.
ALTER TABLE held_pushes ADD COLUMN content_hash BLOB NULL;
CREATE INDEX held_pushes_by_content ON held_pushes (mutual_id, device_id, content_hash);
