DROP INDEX cover_spans_by_member;
CREATE INDEX cover_spans_by_member ON cover_spans (mutual_id, member_id, from_on);
DROP INDEX dues_by_date;
CREATE INDEX dues_by_date ON dues (mutual_id, due_on, id);
DROP INDEX members_by_birth;
CREATE INDEX members_by_birth ON members (mutual_id, birth_date, id);
