//! Every row of every table as text, for saying that nothing changed, or that two databases are alike.
use super::database::{TestDb, on_postgres};
use ayni::db::Conn;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use std::collections::BTreeMap;

/// Table → its rows in order.
pub type Dump = BTreeMap<String, Vec<String>>;

/// The texts that one expression gives.
pub fn texts(conn: &mut Conn, query: &str) -> Vec<String> {
    diesel::select(sql::<Text>(query)).load(conn).unwrap()
}

/// The whole database, read as the owner.
pub fn dump(test: &TestDb) -> Dump {
    dump_of(&mut test.owner())
}

/// The whole database of a connection.
pub fn dump_of(conn: &mut Conn) -> Dump {
    let tables = texts(
        conn,
        if on_postgres() {
            "tablename::text FROM pg_tables WHERE schemaname = 'public'"
        } else {
            "name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        },
    );
    assert!(tables.len() > 25, "{tables:?}");
    tables
        .into_iter()
        .map(|table| {
            let row = if on_postgres() {
                format!("t::text FROM {table} t")
            } else {
                let quoted = texts(conn, &format!("'quote(' || name || ')' FROM pragma_table_info('{table}')"));
                format!("{} FROM {table}", quoted.join(" || ',' || "))
            };
            let mut rows = texts(conn, &row);
            rows.sort_unstable();
            (table, rows)
        })
        .collect()
}

/// Asserts that two dumps are alike, naming the first table that is not and a row of it.
#[track_caller]
pub fn assert_alike(before: &Dump, after: &Dump) {
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (table, rows) in before {
        let now = &after[table];
        let gone = rows.iter().find(|row| now.binary_search(row).is_err());
        let new = now.iter().find(|row| rows.binary_search(row).is_err());
        assert!(rows == now, "{table} had {} rows and has {}; gone: {gone:?}; new: {new:?}", rows.len(), now.len());
    }
}
