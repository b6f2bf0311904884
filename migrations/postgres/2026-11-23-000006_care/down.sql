-- The way back.
DROP TABLE approvals;
DROP TABLE claim_numbers;
DROP TABLE claim_lines;
DROP TABLE claims;
DROP TABLE settlements;
DROP TABLE tariffs;
DROP TABLE services;
DROP TABLE conventions;
DROP TABLE providers;
