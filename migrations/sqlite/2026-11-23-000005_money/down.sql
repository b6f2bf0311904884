-- The way back.
DROP TABLE transfers;
DROP TABLE accounts;
DROP TABLE allocations;
DROP TABLE reversals;
DROP TABLE payments;
DROP TABLE receipts;
DROP TABLE cash_desks;
DROP TABLE dues;
