DROP TABLE invoice_steps;
DROP TABLE invoice_claims;
DROP TABLE invoice_sendings;
DROP TABLE invoices;
DROP TABLE jobs;
