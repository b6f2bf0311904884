-- The way back.
DROP TABLE cover_spans;
DROP TABLE enrolments;
DROP TABLE memberships;
DROP TABLE members;
DROP TABLE households;
