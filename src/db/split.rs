//! What diesel's enum over both engines cannot compile (insert of many rows, insert or nothing, upsert) is written once
//! and compiled for each engine by [`on_each!`]. A test counts its uses and compares them with the list below; more than
//! forty would say that the enum no longer serves.
//!
//! Uses, file by file:
//! - `db/mod.rs`: a statement without rows
//! - `audit/store.rs`: a command's id taken or not, audit rows, marks and changes by the hundred
//! - `access/store.rs`: a user whose e-mail or phone may be taken
//! - `organisations/store.rs`: an organisation and an area whose code or name may be taken, predecessors of areas
//! - `products/store.rs`: a product whose code may be taken
//! - `series.rs`: the first number of a series, or the next, in one statement
//! - `households/store.rs`: a household or member whose number may be taken, memberships and words of names by the hundred
//! - `households/duplicates_store.rs`: a pair that may be known, keys of persons by the hundred
//! - `households/file_store.rs`: a group whose code may be taken, phones by the hundred
//! - `enrolments/store.rs`: an enrolment whose number may be taken, spans by the hundred
//! - `contributions/store.rs`: a desk whose code and a receipt whose label may be taken, dues, cancellations and allocations
//!   by the hundred
//! - `field/store.rs`: a device whose code may be taken, results and proposals, each once, the feed's head that may be there,
//!   changes by the hundred
//! - `reports/facts/store.rs`: a month's head that may be there, its cuts by the hundred
//! - `reports/releases/store.rs`: a release whose number, settings and a target population whose day may be taken, cuts by the
//!   hundred
//! - `treasury/store.rs`: the reversal of a movement, an operator's transaction and a decision, each once; lines of lists and
//!   dues of invoices by the hundred
//! - `ledger/store.rs`: accounts and transfers by the hundred
//! - `providers/store.rs`: a provider and a service whose code and a list whose name may be taken, prices and codes by the
//!   hundred
//! - `cards/store.rs`: the persons named on a certificate by the hundred
//! - `claims/review_store.rs`: what a claim cites, a resubmission that may be there, a letter whose number may be taken
//! - `claims/settlement_store.rs`: the items of a settlement by the hundred
//! - `claims/store.rs`: a claim whose number, or the provider's number of it, may be taken, what had been used before going
//!   live, once, lines by the hundred
//! - `claims/invoices/store.rs`: an invoice whose number may be taken, certificates by the hundred

/// Runs the same body on the concrete connection of whichever engine is behind.
#[macro_export]
macro_rules! on_each {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::Conn::Pg($c) => $body,
            $crate::db::Conn::Sqlite($c) => $body,
        }
    };
}

/// Inserts many rows: on PostgreSQL, where each statement is a round trip, a few hundred at a time, since it bounds their
/// values; on SQLite one by one, since the statement of one row stays prepared and that of many would be parsed each time.
#[macro_export]
macro_rules! insert_all {
    ($write:expr, $table:expr, $rows:expr) => {{
        let mut result: diesel::QueryResult<()> = Ok(());
        match $write.conn() {
            $crate::db::Conn::Pg(c) => {
                for chunk in $rows.chunks(500) {
                    // The statement of one row stays prepared here too.
                    result = match chunk {
                        [row] => diesel::insert_into($table).values(row).execute(c).map(|_| ()),
                        rows => diesel::insert_into($table).values(rows).execute(c).map(|_| ()),
                    };
                    if result.is_err() {
                        break;
                    }
                }
            }
            $crate::db::Conn::Sqlite(c) => {
                for row in $rows.iter() {
                    result = diesel::insert_into($table).values(row).execute(c).map(|_| ());
                    if result.is_err() {
                        break;
                    }
                }
            }
        }
        result
    }};
}

/// As [`insert_all!`], without those whose key, or whose number, is taken: gives how many are new.
#[macro_export]
macro_rules! insert_new {
    ($write:expr, $table:expr, $rows:expr) => {{
        let mut result: diesel::QueryResult<usize> = Ok(0);
        match $write.conn() {
            $crate::db::Conn::Pg(c) => {
                for chunk in $rows.chunks(500) {
                    let new = match chunk {
                        [row] => diesel::insert_into($table).values(row).on_conflict_do_nothing().execute(c),
                        rows => diesel::insert_into($table).values(rows).on_conflict_do_nothing().execute(c),
                    };
                    result = result.and_then(|sum| new.map(|new| sum + new));
                    if result.is_err() {
                        break;
                    }
                }
            }
            $crate::db::Conn::Sqlite(c) => {
                // The text of such a statement would be made for each row, to look for the statement by it.
                struct Here;
                for row in $rows.iter() {
                    let new = diesel::insert_into($table).values(row).on_conflict_do_nothing();
                    let new = if $crate::db::kept::has_one_text($table, row) {
                        $crate::db::kept::one_text::<Here, _, _, _>($table, row, new).execute(c)
                    } else {
                        new.execute(c)
                    };
                    result = result.and_then(|sum| new.map(|new| sum + new));
                    if result.is_err() {
                        break;
                    }
                }
            }
        }
        result
    }};
}

#[cfg(test)]
mod tests {
    use crate::db::kept::has_one_text;
    use diesel::{Insertable, RunQueryDsl};

    diesel::table! { notes (id) { id -> BigInt, text -> Nullable<Text>, } }

    #[derive(Insertable)]
    #[diesel(table_name = notes, treat_none_as_default_value = false)]
    struct Whole {
        id: i64,
        text: Option<String>,
    }

    #[derive(Insertable)]
    #[diesel(table_name = notes)]
    struct WithoutWhatIsMissing {
        id: i64,
        text: Option<String>,
    }

    #[test]
    fn an_insertion_has_one_text_where_every_column_is_named() {
        assert!(has_one_text(notes::table, &Whole { id: 1, text: None }));
        assert!(!has_one_text(notes::table, &WithoutWhatIsMissing { id: 1, text: None }));
    }

    diesel::table! { letters (id) { id -> BigInt, text -> Nullable<Text>, } }

    #[derive(Insertable)]
    #[diesel(table_name = letters, treat_none_as_default_value = false)]
    struct Letter {
        id: i64,
        text: Option<String>,
    }

    /// Has what the macro asks of a transaction.
    struct Plain(crate::db::Conn);

    impl Plain {
        fn conn(&mut self) -> &mut crate::db::Conn {
            &mut self.0
        }
    }

    #[test]
    fn rows_with_and_without_a_value_and_of_other_tables_take_turns() {
        use diesel::{Connection, QueryDsl, SqliteConnection};
        let conn = SqliteConnection::establish(":memory:").unwrap();
        let mut plain = Plain(crate::db::Conn::Sqlite(conn));
        for table in ["notes", "letters"] {
            let made = format!("CREATE TABLE {table} (id BIGINT NOT NULL PRIMARY KEY, text TEXT)");
            crate::db::execute(plain.conn(), &made).unwrap();
        }
        let text = |id: i64| (id % 2 == 0).then(|| format!("no. {id}"));
        for round in 0..3 {
            let whole = [0, 1, 2].map(|at| Whole { id: round * 10 + at, text: text(at) });
            assert_eq!(crate::insert_new!(plain, notes::table, whole).unwrap(), 3);
            let parts = [2, 3, 4].map(|at| WithoutWhatIsMissing { id: round * 10 + at, text: text(at) });
            assert_eq!(crate::insert_new!(plain, notes::table, parts).unwrap(), 2);
            let letters = [0, 1].map(|at| Letter { id: round * 10 + at, text: text(at + 1) });
            assert_eq!(crate::insert_new!(plain, letters::table, letters).unwrap(), 2);
        }
        let count = |conn: &mut crate::db::Conn| notes::table.count().get_result::<i64>(conn).unwrap();
        assert_eq!(count(plain.conn()), 15);
        let texts: Vec<Option<String>> =
            letters::table.select(letters::text).order(letters::id).load(plain.conn()).unwrap();
        assert_eq!(texts, vec![[None, Some("no. 2".to_owned())]; 3].concat());
    }
}
