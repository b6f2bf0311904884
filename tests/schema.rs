//! The schema over itself: what the migrations make is what `src/db/schema.rs` says, on either engine, and every table of a
//! mutual keeps the mutual's walls. And the code over itself: where the engines are told apart.
mod support;

use ayni::db::{Conn, DbError, Wall};
use ayni::ids::*;
use diesel::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::database::on_postgres;
use support::{TestDb, World};

/// Tables whose rows belong to no mutual. A new one is added here after thought: its rows have no wall.
const OF_NO_MUTUAL: &[&str] = &[
    "access_state",
    "api_keys",
    "area_predecessors",
    "areas",
    "conventions",
    "diagnosis_codes",
    "diagnosis_lists",
    "exchange_rates",
    "figure_settings",
    "grants",
    "one_time_codes",
    "organisation_links",
    "organisations",
    "product_versions",
    "products",
    "proof_tokens",
    "providers",
    "refresh_tokens",
    "release_cuts",
    "releases",
    "revoked_tokens",
    "services",
    "sessions",
    "target_populations",
    "tariffs",
    "users",
];

/// Tables whose rows are never edited by the program.
const APPEND_ONLY: &[&str] = &[
    "allocations",
    "audit_rows",
    "commands",
    "consents",
    "diagnosis_codes",
    "diagnosis_lists",
    "due_cancellations",
    "dues",
    "enrolment_steps",
    "group_collection_items",
    "household_events",
    "invoice_sendings",
    "invoice_steps",
    "mobile_decisions",
    "mobile_events",
    "mobile_identities",
    "movement_reversals",
    "movements",
    "opening_usages",
    "payments",
    "proof_members",
    "proof_revocations",
    "proof_tokens",
    "proofs",
    "receipts",
    "refund_parts",
    "refunds",
    "reversals",
    "revoked_tokens",
    "subsidy_items",
    "subsidy_payments",
    "transfers",
    "claim_links",
    "claim_decisions",
    "claim_voids",
    "settlement_items",
    "settlement_payments",
    "advances",
];

/// Tables into which one transaction writes the rows of several mutuals.
const BATCHES: &[&str] = &["audit_rows", "audit_values"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of a query, each a text made of parts joined by `|`.
fn rows(conn: &mut Conn, query: &str) -> Vec<Vec<String>> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        text: String,
    }
    let lines: Vec<Line> = ayni::on_each!(conn, |c| diesel::sql_query(query).load(c)).unwrap();
    lines.iter().map(|line| line.text.split('|').map(str::to_owned).collect()).collect()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    key: Vec<String>,
    /// Name, type on this engine, whether it may be null.
    columns: BTreeMap<String, (String, bool)>,
}

/// The `table!` blocks of `src/db/schema.rs`, with the types of the engine under test.
fn declared() -> BTreeMap<String, Table> {
    let text = std::fs::read_to_string(root().join("src/db/schema.rs")).unwrap();
    let mut tables = BTreeMap::new();
    for block in text.split("diesel::table! {").skip(1) {
        let block = &block[..block.find("\n}").unwrap()];
        let mut table = Table::default();
        let mut name = String::new();
        for line in block.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("use ")) {
            if let Some(head) = line.strip_suffix(" {") {
                let (table_name, key) = head.split_once(" (").unwrap();
                name = table_name.to_owned();
                table.key = key.trim_end_matches(')').split(',').map(|part| part.trim().to_owned()).collect();
            } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
                let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
                let known = (on_engine(inner.unwrap_or(kind)).to_owned(), inner.is_some());
                assert!(table.columns.insert(column.to_owned(), known).is_none(), "{name}.{column} stands twice");
            } else {
                assert_eq!(line, "}", "a line of src/db/schema.rs that this test cannot read");
            }
        }
        tables.insert(name, table);
    }
    tables
}

fn on_engine(kind: &str) -> &'static str {
    let (sqlite, postgres) = match kind {
        "Id" => ("BLOB", "uuid"),
        "Text" => ("TEXT", "text"),
        "Date" => ("TEXT", "date"),
        "Timestamp" => ("TEXT", "timestamp without time zone"),
        "BigInt" => ("INTEGER", "bigint"),
        "Integer" => ("INTEGER", "integer"),
        "Bool" => ("INTEGER", "boolean"),
        "Binary" => ("BLOB", "bytea"),
        other => {
            panic!("{other} is no column type of this house (see the design: ids, Text, BigInt, Integer, Bool, …)")
        }
    };
    if on_postgres() { postgres } else { sqlite }
}

/// What the migrations made.
fn found(conn: &mut Conn) -> BTreeMap<String, Table> {
    let columns = if on_postgres() {
        "SELECT table_name || '|' || column_name || '|' || data_type || '|' || (is_nullable = 'YES')::int AS text \
         FROM information_schema.columns WHERE table_schema = 'public'"
    } else {
        "SELECT t.name || '|' || c.name || '|' || c.type || '|' || (c.\"notnull\" = 0) AS text \
         FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    };
    let keys = if on_postgres() {
        "SELECT c.relname || '|' || a.attname AS text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace, unnest(i.indkey) WITH ORDINALITY k(attnum, at), pg_attribute a \
         WHERE i.indisprimary AND n.nspname = 'public' AND a.attrelid = c.oid AND a.attnum = k.attnum \
         ORDER BY c.relname, k.at"
    } else {
        "SELECT t.name || '|' || c.name AS text FROM sqlite_master t, pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND c.pk > 0 ORDER BY t.name, c.pk"
    };
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in rows(conn, columns) {
        let table = tables.entry(row[0].clone()).or_default();
        table.columns.insert(row[1].clone(), (row[2].clone(), row[3] == "1"));
    }
    for row in rows(conn, keys) {
        tables.get_mut(&row[0]).unwrap().key.push(row[1].clone());
    }
    tables.retain(|name, _| name != "__diesel_schema_migrations" && !name.starts_with("sqlite_"));
    tables
}

#[test]
fn the_migrations_make_the_schema_that_the_code_uses() {
    let test = TestDb::new();
    let (declared, found) = (declared(), found(&mut test.owner()));
    assert!(found.len() > 25, "{} tables", found.len());
    let names = |tables: &BTreeMap<String, Table>| tables.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&declared), names(&found), "tables of schema.rs, tables of the migrations");
    for (name, table) in &declared {
        assert_eq!(table, &found[name], "{name}: schema.rs left, migrations right");
    }
    for (name, table) in &found {
        assert!(table.columns.len() <= 32, "{name} has {} columns; at most 32", table.columns.len());
    }
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| -> BTreeSet<String> {
        std::fs::read_dir(root().join("migrations").join(engine))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(names("sqlite").len() >= 5);
    for engine in ["sqlite", "postgres"] {
        for name in names(engine) {
            for file in ["up.sql", "down.sql"] {
                assert!(
                    root().join("migrations").join(engine).join(&name).join(file).is_file(),
                    "{engine}/{name}/{file}"
                );
            }
        }
    }
}

/// Takes the last migration back, as who goes back to the version before does.
fn revert(conn: &mut Conn) -> String {
    use ayni::db::migrate::{POSTGRES, SQLITE};
    use diesel_migrations::MigrationHarness;
    match conn {
        Conn::Pg(pg) => pg.revert_last_migration(POSTGRES).unwrap().to_string(),
        Conn::Sqlite(sqlite) => {
            diesel::sql_query("PRAGMA foreign_keys=OFF").execute(sqlite).unwrap();
            sqlite.revert_last_migration(SQLITE).unwrap().to_string()
        }
    }
}

#[actix_web::test]
async fn a_database_in_use_goes_a_version_back_and_on_again_and_keeps_its_rows() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", support::register::bands()).await;
    let home = world.home(None, "STANDARD", 2).await.text("/id");
    world.enrolled(&home, &product, "2026-03-01").await;
    world.payment(&home, 31_000, "2026-03-10").await.expect(201);
    // The version before knew no sessions of desks: what went through the desk stands outside them when it comes back.
    for statement in [
        "UPDATE transfers SET cash_session_id = NULL",
        "DELETE FROM cash_sessions",
        "UPDATE cash_desks SET revision = 0",
        // By what persons are found among duplicates is no fact: the server makes it anew.
        "DELETE FROM match_keys",
    ] {
        ayni::on_each!(&mut world.test.owner(), |c| diesel::sql_query(statement).execute(c)).unwrap();
    }
    let rows_of = |world: &World| {
        let mut rows = support::rows::dump(&world.test);
        rows.retain(|table, _| table != "__diesel_schema_migrations");
        rows
    };
    let before = rows_of(&world);
    assert!(!before["transfers"].is_empty() && !before["accounts"].is_empty());
    let reverted = [(); 16].map(|()| revert(&mut world.test.owner()));
    let dropped = [
        "devices",
        "changes",
        "invoices",
        "jobs",
        "letters",
        "appeals",
        "settlement_items",
        "care_settings",
        "diagnosis_lists",
        "movements",
        "money_settings",
        "opening_usages",
        "proofs",
        "proof_tokens",
        "revoked_tokens",
        "proof_members",
        "proof_revocations",
    ];
    let between = rows_of(&world);
    for table in dropped {
        assert!(before.contains_key(table) && !between.contains_key(table), "{table} after {reverted:?}");
    }
    assert_eq!(ayni::db::migrate::run(&world.test.url).unwrap().len(), 16);
    support::rows::assert_alike(&before, &rows_of(&world));
    // What is there goes on.
    world.payment(&home, 500, "2026-03-10").await.expect(201);
    assert!(ayni::verify::verify(&world.test.db).unwrap().findings.is_empty());
}

#[test]
fn who_opens_a_file_waits_for_whoever_has_it() {
    if on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = ayni::db::url::DatabaseUrl::parse(&format!("sqlite://{}/one.db", folder.path().display()), true).unwrap();
    // Not opened by a pool, so its journal is the plain one, beside which nobody reads while another writes.
    assert!(!ayni::db::migrate::run(&url).unwrap().is_empty());
    let mut other = ayni::db::connect::establish(&url).unwrap();
    ayni::db::execute(&mut other, "BEGIN EXCLUSIVE").unwrap();
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| (ayni::db::migrate::check(&url), ayni::db::migrate::run(&url)));
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(!opening.is_finished());
        ayni::db::execute(&mut other, "COMMIT").unwrap();
        let (checked, run) = opening.join().unwrap();
        checked.unwrap();
        assert_eq!(run.unwrap().len(), 0);
    });
}

#[test]
fn sqlite_takes_no_lock_for_each_call() {
    if on_postgres() {
        return;
    }
    let test = TestDb::new();
    let mut is_so = |option: &str| -> bool {
        let asked = diesel::dsl::sql::<diesel::sql_types::Bool>(&format!("sqlite_compileoption_used('{option}')"));
        diesel::select(asked).get_result(&mut test.owner()).unwrap()
    };
    let all = ["THREADSAFE=2", "DEFAULT_MEMSTATUS=0", "ENABLE_MEMORY_MANAGEMENT"].map(&mut is_so);
    assert_eq!(all, [true, true, false], "were the flags of .cargo/config.toml there when SQLite was compiled?");
}

#[test]
fn only_known_tables_belong_to_no_mutual() {
    let test = TestDb::new();
    let without: Vec<String> = found(&mut test.owner())
        .into_iter()
        .filter(|(_, table)| !table.columns.contains_key("mutual_id"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(without, OF_NO_MUTUAL);
}

#[test]
fn every_key_of_a_mutuals_table_starts_with_the_mutual() {
    let test = TestDb::new();
    let conn = &mut test.owner();
    let tables = found(conn);
    let of_mutual = |name: &str| !OF_NO_MUTUAL.contains(&name);
    for (name, table) in tables.iter().filter(|(name, _)| of_mutual(name)) {
        // These are found by what they say and never named by another row.
        let key: &[&str] = match name.as_str() {
            "name_words" => &["mutual_id", "word", "member_id"],
            "match_keys" => &["mutual_id", "key", "member_id"],
            "field_versions" => &["mutual_id", "entity_id", "field"],
            "changes" => &["mutual_id", "number"],
            _ => &["mutual_id", "id"],
        };
        assert_eq!(table.key, key, "primary key of {name}");
        assert!(!table.columns["mutual_id"].1, "{name}.mutual_id may be null");
    }
    let unique = if on_postgres() {
        "SELECT c.relname || '|' || a.attname || '|' || i.indexrelid::regclass AS text FROM pg_index i \
         JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] \
         WHERE i.indisunique AND n.nspname = 'public'"
    } else {
        "SELECT t.name || '|' || c.name || '|' || i.name AS text FROM sqlite_master t, pragma_index_list(t.name) i, \
         pragma_index_info(i.name) c WHERE t.type = 'table' AND i.\"unique\" = 1 AND c.seqno = 0"
    };
    let mut seen = 0;
    for row in rows(conn, unique).iter().filter(|row| of_mutual(&row[0]) && tables.contains_key(&row[0])) {
        assert_eq!(row[1], "mutual_id", "the unique key {} of {} starts with {}", row[2], row[0], row[1]);
        seen += 1;
    }
    assert!(seen > 20, "{seen} unique keys");
    let foreign = if on_postgres() {
        "SELECT f.relname || '|' || t.relname || '|' || fa.attname || '|' || ta.attname AS text FROM pg_constraint k \
         JOIN pg_class f ON f.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid \
         JOIN pg_attribute fa ON fa.attrelid = f.oid AND fa.attnum = k.conkey[1] \
         JOIN pg_attribute ta ON ta.attrelid = t.oid AND ta.attnum = k.confkey[1] WHERE k.contype = 'f'"
    } else {
        "SELECT t.name || '|' || k.\"table\" || '|' || k.\"from\" || '|' || k.\"to\" AS text FROM sqlite_master t, \
         pragma_foreign_key_list(t.name) k WHERE t.type = 'table' AND k.seq = 0"
    };
    let mut seen = 0;
    for row in rows(conn, foreign).iter().filter(|row| of_mutual(&row[0]) && of_mutual(&row[1])) {
        assert_eq!((row[2].as_str(), row[3].as_str()), ("mutual_id", "mutual_id"), "from {} to {}", row[0], row[1]);
        seen += 1;
    }
    assert!(seen > 15, "{seen} foreign keys between tables of a mutual");
}

#[test]
fn no_numbers_come_from_sequences() {
    let test = TestDb::new();
    let query = if on_postgres() {
        "SELECT sequencename::text AS text FROM pg_sequences"
    } else {
        "SELECT name AS text FROM sqlite_master WHERE name = 'sqlite_sequence'"
    };
    assert_eq!(rows(&mut test.owner(), query), Vec::<Vec<String>>::new());
}

#[test]
fn text_has_the_same_order_on_both_engines() {
    let test = TestDb::new();
    if on_postgres() {
        let query = "SELECT table_name || '|' || column_name AS text FROM information_schema.columns \
                     WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'";
        assert_eq!(rows(&mut test.owner(), query), Vec::<Vec<String>>::new(), "text without COLLATE \"C\"");
    } else {
        let query = "SELECT name AS text FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 \
                     AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'";
        assert_eq!(rows(&mut test.owner(), query), Vec::<Vec<String>>::new(), "tables that are not STRICT");
        let query = "SELECT name AS text FROM sqlite_master WHERE sql LIKE '%COLLATE%'";
        assert_eq!(rows(&mut test.owner(), query), Vec::<Vec<String>>::new(), "another order than bytes");
    }
}

/// Says what a test of PostgreSQL's walls means on SQLite, and whether to go on.
fn walls_are_in_the_database() -> bool {
    if !on_postgres() {
        println!("SQLite has no row-level security: the walls are the scope types alone (src/access/scopes.rs)");
    }
    on_postgres()
}

#[test]
fn every_table_of_a_mutual_has_its_wall() {
    if !walls_are_in_the_database() {
        return;
    }
    let test = TestDb::new();
    let conn = &mut test.owner();
    let secured = rows(
        conn,
        "SELECT relname || '|' || relrowsecurity::int || '|' || relforcerowsecurity::int AS text FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND relkind = 'r'",
    );
    let policies = rows(
        conn,
        "SELECT tablename || '|' || policyname || '|' || permissive || '|' || array_to_string(roles, ',') || '|' || cmd \
         || '|' || coalesce(qual, '-') || '|' || coalesce(with_check, '-') AS text FROM pg_policies \
         WHERE schemaname = 'public' ORDER BY 1",
    );
    let mut walled = 0;
    for row in secured.iter().filter(|row| row[0] != "__diesel_schema_migrations") {
        let table = row[0].as_str();
        let own: Vec<String> =
            policies.iter().filter(|policy| policy[0] == table).map(|policy| policy[1..].join("|")).collect();
        if OF_NO_MUTUAL.contains(&table) {
            assert_eq!((row[1].as_str(), own.len()), ("0", 0), "{table} has a wall and belongs to no mutual");
            continue;
        }
        assert_eq!((row[1].as_str(), row[2].as_str()), ("1", "0"), "{table}: row-level security enabled, not forced");
        // As PostgreSQL prints it: a scalar subquery, evaluated once per statement.
        let wall = "own_mutual|PERMISSIVE|public|ALL|(mutual_id = ( SELECT (NULLIF(current_setting('app.mutual'::text, \
                    true), ''::text))::uuid AS \"nullif\"))|-";
        let mut expected = vec![wall.to_owned()];
        if BATCHES.contains(&table) {
            expected.insert(0, "batch_insert|PERMISSIVE|public|INSERT|-|true".into());
        }
        assert_eq!(own, expected, "policies of {table}");
        walled += 1;
    }
    assert!(walled > 15, "{walled} tables with a wall");
}

#[test]
fn the_server_works_as_a_role_that_the_walls_hold() {
    if !walls_are_in_the_database() {
        return;
    }
    let test = TestDb::new();
    let conn = &mut test.owner();
    let role = "SELECT rolsuper::int || '|' || rolbypassrls::int || '|' || rolcreaterole::int || '|' || rolcreatedb::int \
                AS text FROM pg_roles WHERE rolname = 'ayni_app'";
    assert_eq!(rows(conn, role), [["0", "0", "0", "0"]]);
    let owned = "SELECT tablename::text AS text FROM pg_tables WHERE tableowner = 'ayni_app'";
    assert_eq!(rows(conn, owned), Vec::<Vec<String>>::new(), "an owner is not held by walls that are not forced");
    let member = "SELECT m.rolname::text AS text FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.roleid \
                  JOIN pg_roles r ON r.oid = a.member WHERE r.rolname = 'ayni_app'";
    assert_eq!(rows(conn, member), Vec::<Vec<String>>::new(), "ayni_app is a member of another role");
    let may = "SELECT tablename || '|' || has_table_privilege('ayni_app', tablename::text, 'SELECT')::int || '|' || \
               has_table_privilege('ayni_app', tablename::text, 'INSERT')::int || '|' || \
               has_table_privilege('ayni_app', tablename::text, 'UPDATE')::int || '|' || \
               has_table_privilege('ayni_app', tablename::text, 'DELETE')::int || '|' || \
               has_table_privilege('ayni_app', tablename::text, 'TRUNCATE')::int AS text \
               FROM pg_tables WHERE schemaname = 'public'";
    for row in rows(conn, may) {
        let table = row[0].as_str();
        let expected = match table {
            "__diesel_schema_migrations" => ["1", "0", "0", "0", "0"],
            // Paid in parts, never taken away.
            "settlements" => ["1", "1", "1", "0", "0"],
            _ if APPEND_ONLY.contains(&table) => ["1", "1", "0", "0", "0"],
            _ => ["1", "1", "1", "1", "0"],
        };
        assert_eq!(row[1..], expected, "{table}: select, insert, update, delete, truncate");
    }
    let pooled = test.db.read(Wall::ROOT, |r| {
        Ok::<_, DbError>(rows(r.conn(), "SELECT current_user || '|' || current_setting('app.mutual') AS text"))
    });
    assert_eq!(pooled.unwrap(), [["ayni_app", "00000000-0000-0000-0000-000000000000"]]);
}

#[actix_web::test]
async fn behind_a_wall_other_mutuals_do_not_exist() {
    if !walls_are_in_the_database() {
        return;
    }
    let world = World::new().await;
    let mutual = |code: &str| -> MutualId { Key::new(world.org(code).uuid()) };
    let (kay, git) = (mutual("KAY"), mutual("GIT"));
    let tables: Vec<String> = found(&mut world.test.owner())
        .into_iter()
        .filter(|(_, table)| table.columns.contains_key("mutual_id"))
        .map(|(name, _)| name)
        .collect();
    let whose = |conn: &mut Conn, table: &str| -> BTreeSet<String> {
        rows(conn, &format!("SELECT DISTINCT mutual_id::text AS text FROM {table}")).concat().into_iter().collect()
    };
    let all = whose(&mut world.test.owner(), "accounts");
    assert!(all.contains(&kay.to_string()) && all.contains(&git.to_string()), "{all:?}");
    for table in &tables {
        for wall in [kay, git, MutualId::NIL] {
            let seen = world.test.db.read(Wall::mutual(wall), |r| Ok::<_, DbError>(whose(r.conn(), table))).unwrap();
            assert!(seen.is_empty() || seen == [wall.to_string()].into(), "{table} behind {wall}: {seen:?}");
            if table == "accounts" && wall != MutualId::NIL {
                assert_eq!(seen.len(), 1);
            }
        }
    }
    // A connection of the pool's role that named no mutual.
    let mut bare = world.test.owner();
    ayni::db::execute(&mut bare, "SET ROLE ayni_app").unwrap();
    for table in &tables {
        assert_eq!(whose(&mut bare, table), BTreeSet::new(), "{table} without a wall");
    }
    ayni::db::execute(&mut bare, "SELECT set_config('app.mutual', '', false)").unwrap();
    assert_eq!(whose(&mut bare, "accounts"), BTreeSet::new());
}

#[actix_web::test]
async fn behind_a_wall_no_row_of_another_mutual_is_written() {
    if !walls_are_in_the_database() {
        return;
    }
    let world = World::new().await;
    let mutual = |code: &str| -> MutualId { Key::new(world.org(code).uuid()) };
    let (kay, git) = (mutual("KAY"), mutual("GIT"));
    let id: CommandId = world.test.db.ids().next();
    let try_behind = |wall: MutualId, statement: &str| {
        world.test.db.write(Wall::mutual(wall), |w| ayni::db::execute(w.conn(), statement).map_err(DbError::from))
    };
    let new = |of: MutualId| format!("INSERT INTO cash_desks VALUES ('{of}', '{id}', 'X', 'Another desk', 1)");
    let refused = try_behind(kay, &new(git)).unwrap_err().to_string();
    assert!(refused.contains("row-level security policy"), "{refused}");
    assert_eq!(try_behind(kay, &new(kay)).unwrap(), 1);
    let moved = try_behind(kay, &format!("UPDATE cash_desks SET mutual_id = '{git}'")).unwrap_err().to_string();
    assert!(moved.contains("row-level security policy"), "{moved}");
    assert_eq!(try_behind(kay, &format!("UPDATE cash_desks SET name = 'Z' WHERE mutual_id = '{git}'")).unwrap(), 0);
    assert_eq!(try_behind(kay, &format!("DELETE FROM cash_desks WHERE mutual_id = '{git}'")).unwrap(), 0);
    for statement in ["UPDATE commands SET route = 'x'", "DELETE FROM audit_rows"] {
        let refused = try_behind(kay, statement).unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{statement}: {refused}");
    }
    // A row of one mutual cannot point into another, whoever writes it.
    let account = format!(
        "INSERT INTO transfers (mutual_id, id, book, debit_account_id, credit_account_id, amount_minor, currency, event, \
         command_id, ordinal, posted_on, value_on, recorded_at) SELECT '{kay}', '{id}', 'MAIN', a.id, b.id, 1, 'BIF', 'x', \
         '{id}', 1, '2026-01-01', '2026-01-01', '2026-01-01' FROM accounts a, accounts b WHERE a.mutual_id = '{kay}' \
         AND b.mutual_id = '{git}' AND a.code <> b.code LIMIT 1"
    );
    let refused = ayni::db::execute(&mut world.test.owner(), &account).unwrap_err().to_string();
    assert!(refused.contains("foreign key"), "{refused}");
}

// The code over itself.

fn sources() -> Vec<(String, String)> {
    fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let src = root().join("src");
    let mut paths = Vec::new();
    gather(&src, &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// Lines of code, comments left out.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn what_is_written_once_for_both_engines_stays_little_and_listed() {
    let mut uses = 0;
    let mut files = BTreeSet::new();
    for (name, text) in sources().iter().filter(|(name, _)| name != "db/split.rs") {
        for line in code_lines(text) {
            let here = line.matches("on_each!(").count();
            uses += here;
            if here > 0 || line.contains("insert_all!(") || line.contains("insert_new!(") {
                files.insert(name.clone());
            }
        }
    }
    assert!(uses > 0 && uses <= 40, "{uses} uses of on_each!: more than forty say that the enum no longer serves");
    let page = std::fs::read_to_string(root().join("src/db/split.rs")).unwrap();
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("//! - `"))
        .map(|line| line.split('`').next().unwrap().to_owned())
        .collect();
    assert_eq!(files, listed, "files that use on_each! or insert_all!, and the list at the top of src/db/split.rs");
}

#[test]
fn only_the_database_folder_tells_the_engines_apart() {
    for (name, text) in sources().iter().filter(|(name, _)| !name.starts_with("db/")) {
        for line in code_lines(text) {
            for word in ["Conn::Pg", "Conn::Sqlite", "Engine::", "PgConnection", "SqliteConnection"] {
                assert!(!line.contains(word), "src/{name} tells the engines apart: {line}");
            }
        }
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

/// SQLite's planner knows from the beginning that a mutual has many rows: what is asked by more than the mutual is found by
/// the index that has it.
#[test]
fn an_empty_database_is_asked_by_its_indexes() {
    if on_postgres() {
        return;
    }
    let test = TestDb::new();
    for (index, table, columns) in [
        ("claims_by_household", "claims", ["mutual_id", "household_id", "enrolment_id"].as_slice()),
        ("claims_by_member", "claims", &["mutual_id", "member_id", "service_on"]),
        ("payments_by_household", "payments", &["mutual_id", "household_id"]),
        ("match_keys_by_member", "match_keys", &["mutual_id", "member_id"]),
    ] {
        let asked: Vec<String> = columns.iter().map(|column| format!("{column} = x'00'")).collect();
        let statement = format!("EXPLAIN QUERY PLAN SELECT count(*) FROM {table} WHERE {}", asked.join(" AND "));
        let Conn::Sqlite(mut sqlite) = test.owner() else { panic!("not SQLite") };
        let steps: Vec<Step> = diesel::sql_query(&statement).load(&mut sqlite).unwrap();
        let plan: Vec<String> = steps.into_iter().map(|step| step.detail).collect();
        let plan = plan.join("; ");
        assert!(plan.contains(index), "{table} by {columns:?}: {plan}");
    }
}
