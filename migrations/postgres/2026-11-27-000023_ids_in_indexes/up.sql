-- Claims by their decision are read by id as well: from the index alone, not from their wide rows.
DROP INDEX claims_by_decision;
CREATE INDEX claims_by_decision ON claims (mutual_id, decided_on) INCLUDE (id, outcome, claim_reason, provider_id, submitted_on, billed_minor, mutual_minor, member_minor, provider_writeoff_minor, other_paid_minor);
-- Which releases stand is asked for every report, what they say only once.
DROP INDEX releases_that_stand;
CREATE INDEX releases_that_stand ON releases (month, unit_id) INCLUDE (id) WHERE replaced_by IS NULL;
