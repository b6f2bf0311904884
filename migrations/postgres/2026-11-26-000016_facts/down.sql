DROP INDEX claims_by_service;
DROP INDEX transfers_by_value;
DROP TABLE month_cuts;
DROP TABLE month_totals;
DROP TABLE fact_heads;
