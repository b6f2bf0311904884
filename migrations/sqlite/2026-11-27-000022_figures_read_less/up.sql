-- Sex and birth of all persons are read for every month: from the index alone, not from their wide rows.
DROP INDEX members_by_birth;
CREATE INDEX members_by_birth ON members (mutual_id, birth_date, id, sex);
-- So are dues, whose order by day and id stays.
DROP INDEX dues_by_date;
CREATE INDEX dues_by_date ON dues (mutual_id, due_on, id, payer, kind, amount_minor, issued_on, enrolment_id);
-- Whether somebody belonged to the mutual before is read from the index too.
DROP INDEX cover_spans_by_member;
CREATE INDEX cover_spans_by_member ON cover_spans (mutual_id, member_id, from_on, state);
