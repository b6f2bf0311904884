//! The form of the stores that hold a mutual's rows: none of their functions finds a row by its id alone. Each takes a
//! scope, or the mutual, or rows that carry it.
use std::path::Path;

/// What a signature may hold so that it is known whose rows are meant.
const WALLS: &[&str] = &["&MutualScope", "&ProviderScope", "&FigureScope", "MutualId", ": &Locked"];

/// The public functions of a source file: name and arguments.
fn functions(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in source.split("\npub fn ").skip(1) {
        let (name, rest) = part.split_once('(').expect("a function has arguments");
        let mut depth = 1_usize;
        let end = rest.char_indices().find(|(_, c)| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let (end, _) = end.expect("arguments end");
        found.push((name.split('<').next().unwrap().to_owned(), rest[..end].to_owned()));
    }
    found
}

/// The rows of a model that carry their mutual.
fn rows_with_mutual(model: &str) -> Vec<String> {
    model
        .split("\npub struct ")
        .skip(1)
        .filter(|part| part.split("\n}").next().unwrap().contains("pub mutual_id: MutualId"))
        .map(|part| part.split([' ', '{', '<']).next().unwrap().to_owned())
        .collect()
}

/// True where the arguments say whose rows are meant.
fn is_walled(arguments: &str, rows: &[String]) -> bool {
    let of_row = |row: &String| arguments.contains(&format!("&{row}")) || arguments.contains(&format!("&[{row}]"));
    WALLS.iter().any(|wall| arguments.contains(wall)) || rows.iter().any(of_row)
}

#[test]
fn no_store_finds_a_mutuals_row_by_its_id_alone() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: &str| std::fs::read_to_string(source.join(path)).unwrap();
    let mut seen = 0;
    for subject in ["households", "enrolments", "contributions", "ledger"] {
        let rows = rows_with_mutual(&read(&format!("{subject}/model.rs")));
        assert!(!rows.is_empty(), "{subject} has rows of mutuals");
        for (name, arguments) in functions(&read(&format!("{subject}/store.rs"))) {
            seen += 1;
            assert!(is_walled(&arguments, &rows), "{subject}/store.rs: `{name}` does not take whose rows it means");
            let reaches = arguments.contains("&mut Read") || arguments.contains("&mut Write");
            assert!(reaches, "{subject}/store.rs: `{name}` does not go through a transaction");
        }
    }
    assert!(seen > 30, "only {seen} functions were found: the test reads no longer what it should");
}

#[test]
fn what_the_test_looks_for_is_found() {
    let source =
        "\n/// x\npub fn find(r: &mut Read, id: DueId) -> Q {}\npub fn insert(w: &mut Write, row: &Due) -> Q {}\n";
    let rows = rows_with_mutual(
        "\npub struct Due {\n    pub mutual_id: MutualId,\n}\n\npub struct Other {\n    pub id: u8,\n}\n",
    );
    assert_eq!(rows, ["Due"]);
    let found = functions(source);
    assert_eq!(found.iter().map(|(_, arguments)| is_walled(arguments, &rows)).collect::<Vec<_>>(), [false, true]);
}
