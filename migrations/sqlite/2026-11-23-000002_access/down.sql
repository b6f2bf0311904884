-- The way back.
DROP TABLE access_state;
DROP TABLE grants;
DROP TABLE refresh_tokens;
DROP TABLE sessions;
DROP TABLE one_time_codes;
DROP TABLE users;
