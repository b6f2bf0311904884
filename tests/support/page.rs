//! The pages of `docs/walkthroughs/`, read: requests as they stand, and what is found in their answers.

/// One request of a page, as it is written.
#[derive(Debug)]
pub struct Exchange {
    pub line: usize,
    pub method: &'static str,
    pub path: String,
    pub user: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub status: u16,
    /// A pointer into the answer, and the value there or the name under which it is kept.
    pub found: Vec<(String, String)>,
}

fn method(text: &str) -> &'static str {
    ["GET", "POST", "PATCH", "PUT", "DELETE"].into_iter().find(|known| *known == text).expect("a method")
}

/// A fenced block of a page: its kind, its first line's number, its lines.
pub type Block<'p> = (&'p str, usize, Vec<&'p str>);

/// The fenced blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            found.push((
                kind,
                at + 2,
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect(),
            ));
        }
    }
    found
}

/// Reads the `http` blocks of a page.
pub fn exchanges(page: &str) -> Vec<Exchange> {
    blocks(page).iter().filter(|(kind, ..)| *kind == "http").map(|(_, line, block)| exchange(*line, block)).collect()
}

/// Reads an `http` block.
pub fn exchange(line: usize, block: &[&str]) -> Exchange {
    let first: Vec<&str> = block[0].split_whitespace().collect();
    assert!(first.len() == 4 && first[2] == "as", "line {line}: {}", block[0]);
    let headers = block[1..].iter().take_while(|line| !line.is_empty());
    let headers: Vec<(String, String)> = headers
        .map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
        .collect();
    let rest = &block[1 + headers.len()..];
    let is_status = |line: &&str| line.len() == 3 && line.parse::<u16>().is_ok();
    let answer = rest.iter().position(is_status).unwrap_or_else(|| panic!("line {line}: no status"));
    let values = rest[answer + 1..].iter().map(|line| {
        let (pointer, value) = line.split_once(' ').unwrap();
        (pointer.to_owned(), value.to_owned())
    });
    Exchange {
        line,
        method: method(first[0]),
        path: first[1].to_owned(),
        user: first[3].to_owned(),
        headers,
        body: rest[..answer].join("\n"),
        status: rest[answer].parse().unwrap(),
        found: values.collect(),
    }
}

/// The name of a value that is kept: `{LOST}`.
pub fn kept(text: &str) -> Option<&str> {
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_').then_some(text)
}
