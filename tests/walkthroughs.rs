//! The pages of `docs/walkthroughs/` executed as they stand: every request is sent, every status and value compared.
mod support;

use serde_json::Value;
use support::World;

/// One request of a page.
#[derive(Debug)]
struct Exchange {
    line: usize,
    method: &'static str,
    path: String,
    user: String,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    status: u16,
    found: Vec<(String, Value)>,
}

fn method(text: &str) -> &'static str {
    ["GET", "POST", "PATCH", "PUT", "DELETE"].into_iter().find(|known| *known == text).expect("a method")
}

/// Reads the `http` blocks of a page.
fn exchanges(page: &str, fill: impl Fn(&str) -> String) -> Vec<Exchange> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line != "```http" {
            continue;
        }
        let block: Vec<String> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").map(&fill).collect();
        let first: Vec<&str> = block[0].split_whitespace().collect();
        assert!(first.len() == 4 && first[2] == "as", "line {}: {}", at + 2, block[0]);
        let headers = block[1..].iter().take_while(|line| !line.is_empty());
        let headers: Vec<(String, String)> = headers
            .map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
            .collect();
        let rest = &block[1 + headers.len()..];
        let is_status = |line: &String| line.len() == 3 && line.parse::<u16>().is_ok();
        let answer = rest.iter().position(is_status).unwrap_or_else(|| panic!("line {}: no status", at + 2));
        let body = rest[..answer].join("\n");
        let body = (!body.trim().is_empty()).then(|| serde_json::from_str(&body).unwrap());
        let values = rest[answer + 1..].iter().map(|line| {
            let (pointer, value) = line.split_once(' ').unwrap();
            (pointer.to_owned(), serde_json::from_str(value).unwrap())
        });
        found.push(Exchange {
            line: at + 2,
            method: method(first[0]),
            path: first[1].to_owned(),
            user: first[3].to_owned(),
            headers,
            body,
            status: rest[answer].parse().unwrap(),
            found: values.collect(),
        });
    }
    found
}

#[actix_web::test]
async fn a_registrars_day_is_as_it_is_told() {
    let world = World::new().await;
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/walkthroughs/register.md")).unwrap();
    let exchanges = exchanges(&page, |line| line.replace("{KAY}", &world.org("KAY").to_string()));
    assert!(exchanges.len() >= 20, "{} requests", exchanges.len());
    for one in exchanges {
        let mut ask = world.call(one.method, &one.path).as_(&one.user);
        for (name, value) in &one.headers {
            ask = ask.header(name, value);
        }
        if let Some(body) = one.body {
            ask = ask.json(body);
        }
        let answer = ask.send().await;
        assert_eq!(answer.status, one.status, "line {}: {} {}: {}", one.line, one.method, one.path, answer.text);
        for (pointer, value) in one.found {
            let there = answer.body.pointer(&pointer);
            assert_eq!(there, Some(&value), "line {}: {pointer} of {}", one.line, answer.text);
        }
    }
}
