//! The program as a person at a terminal meets it: the built binary, its output and its exit status.
mod support;

use ayni::db::Wall;
use ayni::error::Error;
use ayni::reports::releases::http::MonthReturn;
use ayni::reports::releases::{service as releases, store};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use support::{TestDb, World};

/// A place to run in: a database, a folder for keys.
struct Place {
    test: TestDb,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { test: TestDb::new(), folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = bare();
        command
            .env("AYNI_DATABASE", &self.test.text)
            .env("AYNI_ALLOW_PLAINTEXT_DATABASE", "true")
            .env("AYNI_KEYS", self.folder.path().join("keys"))
            .env("AYNI_METRICS", "off")
            .current_dir(self.folder.path())
            .args(args);
        command
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    #[track_caller]
    fn refused(&self, args: &[&str]) -> (i32, String) {
        refusal(self.command(args).output().unwrap())
    }
}

/// The program without any of the caller's settings.
fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ayni"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AYNI_") {
            command.env_remove(name);
        }
    }
    command.env("AYNI_LOG", "error");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn refusal(output: Output) -> (i32, String) {
    assert!(!output.status.success(), "{}", text(&output.stdout));
    let said = text(&output.stderr);
    (output.status.code().unwrap(), said)
}

/// A server that ends with the test.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(place: &Place, args: &[&str]) -> Server {
        let mut command = place.command(&["serve", "--bind", "127.0.0.1:0"]);
        let mut process = command.args(args).env("AYNI_LOG", "info").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        let address = loop {
            let line = match lines.next() {
                Some(line) => line.unwrap(),
                None => panic!("the server ended: {seen:?}"),
            };
            let logged: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            if logged["message"] == "serving" {
                break logged["address"].as_str().unwrap().to_owned();
            }
            seen.push(line);
        };
        // What it writes from now on is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Server { process, address }
    }

    fn ask(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut response = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_string()).unwrap();
                agent.run(request).unwrap()
            }
            None => agent.run(request.body(()).unwrap()).unwrap(),
        };
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks it to end, as a service manager does.
    #[cfg(unix)]
    fn stop(mut self) -> std::process::ExitStatus {
        let told = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(told.success());
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(15), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_permission_table_is_printed() {
    let output = bare().arg("roles").output().unwrap();
    assert!(output.status.success());
    let said = text(&output.stdout);
    for role in ayni::access::permissions::Role::ALL {
        assert!(said.lines().any(|line| line.starts_with(&role.to_string())), "{role}");
    }
    assert!(
        said.lines().any(|line| line.starts_with("product_write ") && line.ends_with("platform_admin, mutual_admin"))
    );
}

#[test]
fn the_api_description_is_printed_and_is_the_served_one() {
    let output = bare().arg("openapi").output().unwrap();
    assert!(output.status.success());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said, serde_json::to_value(ayni::routes::openapi()).unwrap());
}

#[test]
fn settings_are_shown_without_secrets() {
    let place = Place::new();
    let said = place.run(&["check-config", "--today", "2026-02-28"]);
    for name in ["AYNI_DATABASE", "AYNI_KEYS", "AYNI_BIND", "AYNI_METRICS", "AYNI_TODAY", "AYNI_LOG"] {
        assert!(said.lines().any(|line| line.starts_with(name)), "{name} in {said}");
    }
    assert!(said.contains("2026-02-28"));
    assert!(said.ends_with("the database answers and its schema is current\n"), "{said}");
    let mut command = bare();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    command.args(["check-config", "--database", &format!("postgres://ayni:secret@127.0.0.1:{port}/ayni")]);
    let output = command.output().unwrap();
    assert!(!text(&output.stdout).contains("secret") && !text(&output.stderr).contains("secret"));
    assert_eq!(refusal(output).0, 1);
}

#[test]
fn migrations_are_applied_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("deep/ayni.db").display());
    let run = || text(&bare().args(["migrate", "--database", &url]).output().unwrap().stdout);
    let first = run();
    assert!(first.ends_with(" migrations applied\n") && !first.contains(": 0 "), "{first}");
    assert!(run().ends_with(": 0 migrations applied\n"));
}

#[test]
fn what_is_wrong_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let letter = folder.path().join("letter.db");
    std::fs::write(&letter, "Dear treasurer, ".repeat(100)).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (url, part) in [
        ("mysql://x:secret@y/z".to_owned(), "must begin with sqlite:// or postgres://"),
        ("postgres://x:secret@db.example/z".to_owned(), "TLS"),
        (format!("postgres://x:secret@127.0.0.1:{port}/z"), "cannot reach the database"),
        (format!("sqlite://{}", folder.path().display()), "it is a folder"),
        (format!("sqlite://{}", letter.display()), "not a database"),
    ] {
        for command in ["serve", "migrate", "check-config"] {
            if url.contains("db.example") && cfg!(feature = "db-tls") {
                continue;
            }
            let output = bare().args([command, "--database", &url]).output().unwrap();
            let (status, said) = refusal(output);
            assert_eq!(status, 1, "{command} {url}: {said}");
            assert_eq!(said.lines().count(), 1, "{command} {url}: {said}");
            assert!(said.starts_with("ayni: ") && said.contains(part) && !said.contains("secret"), "{command}: {said}");
        }
    }
    let (status, said) = refusal(bare().arg("dance").output().unwrap());
    assert_eq!(status, 2);
    assert!(said.contains("dance"));
    let (status, _) = refusal(bare().args(["roles", "--today", "2026-02-30"]).output().unwrap());
    assert_eq!(status, 2);
}

#[test]
fn the_tree_is_made_and_printed() {
    let place = Place::new();
    place.run(&["org", "add", "--code", "NET", "--name", "Network", "--kind", "network"]);
    place.run(&["org", "add", "--code", "P1", "--name", "Platform", "--kind", "platform", "--parent", "NET"]);
    let mutual = [
        "org",
        "add",
        "--code",
        "KAY",
        "--name",
        "Kayanza",
        "--kind",
        "mutual",
        "--parent",
        "P1",
        "--country",
        "BI",
        "--currency",
        "BIF",
        "--timezone",
        "Africa/Bujumbura",
    ];
    let said = place.run(&mutual);
    assert!(said.starts_with("KAY ") && said.lines().count() == 1, "{said}");
    let id = said.trim().split(' ').nth(1).unwrap().to_owned();
    let tree = place.run(&["org", "list"]);
    let lines: Vec<&str> = tree.lines().collect();
    assert_eq!(lines.len(), 3, "{tree}");
    assert!(lines[0].starts_with("NET Network (network)"));
    assert!(lines[1].starts_with("  P1 Platform (platform)"));
    assert_eq!(lines[2], format!("    KAY Kayanza (mutual, BIF) {id}"));
    for (args, status, part) in [
        (mutual.to_vec(), 1, "KAY"),
        (vec!["org", "add", "--code", "X1", "--name", "X", "--kind", "section", "--parent", "NOPE"], 2, "NOPE"),
        (vec!["org", "add", "--code", "X1", "--name", "X", "--kind", "section", "--parent", "P1"], 1, "section"),
        (vec!["org", "add", "--code", "x", "--name", "X", "--kind", "network"], 1, "/code"),
        (vec!["org", "add", "--code", "X1", "--name", "X", "--kind", "clan"], 2, "clan"),
    ] {
        let (found, said) = place.refused(&args);
        assert_eq!(found, status, "{args:?}: {said}");
        assert!(status == 2 || said.lines().count() == 1, "{said}");
        assert!(said.contains(part) || said.contains("number_taken"), "{args:?}: {said}");
    }
    assert_eq!(place.run(&["org", "list"]).lines().count(), 3);
}

#[test]
fn the_business_date_is_pinned_and_the_instants_are_not() {
    let place = Place::new();
    place.run(&["org", "add", "--code", "NET", "--name", "N", "--kind", "network"]);
    let add =
        ["org", "add", "--code", "P1", "--name", "P", "--kind", "platform", "--parent", "NET", "--today", "2019-05-17"];
    place.run(&add);
    assert_eq!(place.test.count("organisation_links WHERE valid_from = '2019-05-17'"), 1);
    assert_eq!(place.test.count("organisation_links WHERE created_at < '2026-01-01 00:00:00'"), 0);
    // Before that day the platform stood nowhere.
    assert!(place.run(&["org", "list", "--today", "2019-05-17"]).contains("  P1 "));
    assert!(!place.run(&["org", "list", "--today", "2019-05-16"]).contains("  P1 "));
}

#[test]
fn an_administrator_is_made_accepts_and_logs_in() {
    let place = Place::new();
    let said = place.run(&["admin", "create", "--email", "Root@Example.org", "--name", "Root"]);
    let code = said.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(code.len(), 19, "{said}");
    let (status, refused) = place.refused(&["admin", "create", "--email", "root@example.org"]);
    assert_eq!(status, 1);
    assert!(refused.contains("email_taken"), "{refused}");
    assert_eq!(place.refused(&["admin", "create", "--email", "nobody"]).0, 2);
    assert_eq!(place.refused(&["admin", "reset", "--email", "other@example.org"]).0, 1);

    let server = Server::start(&place, &[]);
    assert_eq!(server.ask("GET", "/livez", None, None), (200, json!("ok")));
    assert_eq!(server.ask("GET", "/readyz", None, None).0, 200);
    assert_eq!(server.ask("GET", "/api/v1/me", None, None).0, 401);
    let login = |password: &str| {
        server.ask("POST", "/api/v1/auth/login", None, Some(json!({"login": "root@example.org", "password": password})))
    };
    assert_eq!(login("correct horse battery").0, 401);
    let accept = json!({"code": code, "password": "correct horse battery"});
    assert_eq!(server.ask("POST", "/api/v1/auth/accept", None, Some(accept.clone())).0, 204);
    assert_eq!(server.ask("POST", "/api/v1/auth/accept", None, Some(accept)).0, 401);
    let (status, tokens) = login("correct horse battery");
    assert_eq!(status, 200, "{tokens}");
    let token = tokens["access_token"].as_str().unwrap();
    let (status, me) = server.ask("GET", "/api/v1/me", Some(token), None);
    assert_eq!((status, &me["grants"][0]["role"]), (200, &json!("system_admin")));
    let body = json!({"code": "NET", "name": "Network", "kind": "network"});
    assert_eq!(server.ask("POST", "/api/v1/organisations", Some(token), Some(body)).0, 201);

    // What another process does is seen within seconds: a reset at the terminal ends the session here.
    let reset = place.run(&["admin", "reset", "--email", "root@example.org"]);
    assert!(reset.starts_with("one-time code"), "{reset}");
    let began = Instant::now();
    while server.ask("GET", "/api/v1/me", Some(token), None).0 != 401 {
        assert!(began.elapsed() < Duration::from_secs(10), "the session goes on");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(login("correct horse battery").0, 401, "the lost password opens nothing any more");
    #[cfg(unix)]
    {
        assert!(server.stop().success(), "it ends well when asked to");
        use std::os::unix::fs::PermissionsExt;
        let keys = place.folder.path().join("keys");
        assert_eq!(std::fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn tokens_survive_a_restart_and_metrics_have_an_address_of_their_own() {
    let place = Place::new();
    let said = place.run(&["admin", "create", "--email", "root@example.org"]);
    let code = said.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    let server = Server::start(&place, &["--today", "2026-02-28"]);
    let accept = json!({"code": code, "password": "correct horse battery"});
    assert_eq!(server.ask("POST", "/api/v1/auth/accept", None, Some(accept)).0, 204);
    let login = json!({"login": "root@example.org", "password": "correct horse battery"});
    let (_, tokens) = server.ask("POST", "/api/v1/auth/login", None, Some(login));
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.ask("GET", "/metrics", None, None).0, 404, "not on the API's address");
    drop(server);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let metrics = format!("127.0.0.1:{port}");
    let server = Server::start(&place, &["--metrics", &metrics]);
    assert_eq!(server.ask("GET", "/api/v1/me", Some(&token), None).0, 200, "the keys lie in their folder");
    let mut page = ureq::get(format!("http://{metrics}/metrics")).call().unwrap();
    let mut text = String::new();
    page.body_mut().as_reader().read_to_string(&mut text).unwrap();
    assert!(text.contains("ayni_requests_total{method=\"GET\",route=\"/api/v1/me\",status=\"200\"} 1"), "{text}");
}

#[test]
fn an_address_that_is_taken_is_told() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, said) = place.refused(&["serve", "--bind", &address]);
    assert_eq!((status, said.lines().count()), (1, 1), "{said}");
    assert!(said.starts_with(&format!("ayni: cannot listen on {address}: ")), "{said}");
}

#[test]
fn a_closed_month_is_written_as_a_return_without_a_person() {
    let place = Place::new();
    let simulated = ["simulate", "--mutuals", "1", "--households", "8", "--months", "4", "--until", "2026-03-31"];
    place.run(&simulated);
    let month: Value =
        serde_json::from_str(&place.run(&["export", "return", "--mutual", "KAYANZA", "--month", "2026-02"])).unwrap();
    assert_eq!((&month["currency"], &month["source"]), (&json!("BIF"), &json!("file")));
    let persons = month["figures"]["beneficiaries_in_force"].as_i64().unwrap();
    let cells = month["cuts"]["sex_age"].as_object().unwrap();
    assert!(persons > 0);
    assert_eq!(cells.values().map(|cell| cell[0].as_i64().unwrap()).sum::<i64>(), persons);
    // Ids of areas and facilities mean nothing elsewhere.
    assert!(month["cuts"].get("provider").is_none() && month["cuts"].get("area").is_none());
    for (mutual, month, words) in
        [("KAYANZA", "2026-03", "not closed"), ("KAYANZA", "March", "no month"), ("NOWHERE", "2026-02", "no mutual")]
    {
        let (status, said) = place.refused(&["export", "return", "--mutual", mutual, "--month", month]);
        assert!(status != 0 && said.contains(words), "{said}");
    }
}

#[actix_web::test]
async fn a_return_that_was_exported_is_handed_in_elsewhere_and_says_the_same() {
    let place = Place::new();
    place.run(&["simulate", "--mutuals", "1", "--households", "12", "--months", "4", "--until", "2026-03-31"]);
    let file = place.run(&["export", "return", "--mutual", "KAYANZA", "--month", "2026-02"]);
    let month: Value = serde_json::from_str(&file).unwrap();
    // GIT of another installation counts in the same currency and has no register there.
    let world = World::new().await;
    let git = world.org("GIT");
    let path = format!("/organisations/{git}/returns/2026-02");
    let handed = world.put(&path).as_("platform_admin").json(month.clone()).send().await.expect(200);
    assert_eq!((handed.text("/basis"), handed.text("/source")), ("return".into(), "file".into()));
    let list = world.get(&path).as_("platform_analyst").send().await.expect(200);
    let sources: Vec<&Value> = list.body["items"].as_array().unwrap().iter().map(|item| &item["source"]).collect();
    assert_eq!(sources, ["file"]);
    // What is kept, written as a return once more, is the file.
    let again = world.test.db.read(Wall::ROOT, |r| {
        let release = store::standing(r, git, "2026-02-01".parse().unwrap())?.unwrap();
        Ok::<_, Error>(MonthReturn::of(&release.currency, &releases::sheet_of(r, &release)?))
    });
    assert_eq!(serde_json::to_value(again.unwrap()).unwrap(), month);
    // And the platform is told its figures.
    let path = format!("/organisations/{git}/reports/indicators?period=2026-02");
    let answer = world.get(&path).as_("platform_analyst").send().await.expect(200);
    assert_eq!(answer.body["units"][0]["months"]["2026-02"], "return");
    let figures = answer.body["totals"][0]["figures"].as_array().unwrap();
    let mut compared = 0;
    for (name, value) in month["figures"].as_object().unwrap() {
        // How many women there are is rounded for bodies above.
        if name == "women_in_force" {
            continue;
        }
        let found = figures.iter().find(|figure| figure["id"] == name.as_str());
        let found = found.unwrap_or_else(|| panic!("{name} is in no answer"));
        assert_eq!(found["value"], *value, "{name}");
        compared += 1;
    }
    assert!(compared > 40, "{compared} figures");
}
