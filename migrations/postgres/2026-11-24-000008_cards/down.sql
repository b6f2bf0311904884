-- The way back.
DROP TABLE revoked_tokens;
DROP TABLE proof_tokens;
DROP TABLE proof_revocations;
DROP TABLE proof_members;
DROP TABLE proofs;
