ALTER TABLE series DROP COLUMN first_number;
DROP TABLE opening_usages;
UPDATE accounts SET kind = 'liability' WHERE kind = 'equity';
ALTER TABLE accounts DROP CONSTRAINT accounts_kind_check;
ALTER TABLE accounts ADD CONSTRAINT accounts_kind_check CHECK (kind IN ('asset', 'liability', 'income', 'expense'));
