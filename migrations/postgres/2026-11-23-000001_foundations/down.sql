-- The way back.
DROP TABLE series;
DROP TABLE changes_pending;
DROP TABLE fact_marks;
DROP TABLE audit_values;
DROP TABLE audit_rows;
DROP TABLE commands;
DROP TABLE areas;
DROP TABLE organisation_links;
DROP TABLE organisations;
