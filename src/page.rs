//! Lists: `limit` and `cursor` in, `items` and `next_cursor` out. A cursor names its list and filters, so that it cannot be
//! used with others, and the key of the last row given.
use crate::error::{Code, Problem, Result};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Rows given where nothing else is asked.
pub const DEFAULT_LIMIT: u16 = 50;
/// Rows given at most.
pub const MOST: u16 = 200;

/// A page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub items: Vec<T>,
    /// Give it back as `cursor` to go on; null on the last page.
    pub next_cursor: Option<String>,
}

/// What of a list is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    limit: u16,
    after: Option<Vec<String>>,
    filters: String,
}

impl Ask {
    /// Reads `limit` and `cursor`; `filters` says which list with which filters, in any fixed form.
    ///
    /// # Errors
    /// `invalid` for a limit out of bounds, `cursor_invalid` for a cursor of another list.
    pub fn new(limit: Option<u16>, cursor: Option<&str>, filters: &str) -> Result<Self> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if limit == 0 || limit > MOST {
            return Err(Problem::field("limit", "out_of_bounds", format!("from 1 to {MOST}")).into());
        }
        let digest = HEXLOWER.encode(&Sha256::digest(filters.as_bytes())[..6]);
        let after = match cursor {
            None => None,
            Some(text) => Some(read(text, &digest).ok_or_else(|| Problem::of(Code::CursorInvalid))?),
        };
        Ok(Ask { limit, after, filters: digest })
    }

    /// How many rows to load: one more than asked tells whether there are others.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The parts of the key after which to go on.
    pub fn after(&self) -> Option<&[String]> {
        self.after.as_deref()
    }

    /// The one part of the key after which to go on, read as `T`.
    ///
    /// # Errors
    /// `cursor_invalid`.
    pub fn after_one<T: std::str::FromStr>(&self) -> Result<Option<T>> {
        match self.after.as_deref() {
            None => Ok(None),
            Some([one]) => one.parse().map(Some).map_err(|_| Problem::of(Code::CursorInvalid).into()),
            Some(_) => Err(Code::CursorInvalid.into()),
        }
    }

    /// The two parts of the key after which to go on.
    ///
    /// # Errors
    /// `cursor_invalid`.
    pub fn after_two<A: std::str::FromStr, B: std::str::FromStr>(&self) -> Result<Option<(A, B)>> {
        match self.after.as_deref() {
            None => Ok(None),
            Some([a, b]) => match (a.parse(), b.parse()) {
                (Ok(a), Ok(b)) => Ok(Some((a, b))),
                _ => Err(Code::CursorInvalid.into()),
            },
            Some(_) => Err(Code::CursorInvalid.into()),
        }
    }

    /// Makes the page of what was loaded with [`Ask::fetch`].
    pub fn page<R, T>(&self, mut rows: Vec<R>, key: impl Fn(&R) -> Vec<String>, view: impl FnMut(R) -> T) -> Page<T> {
        let limit = usize::from(self.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| write(&self.filters, &key(last)));
        Page { items: rows.into_iter().map(view).collect(), next_cursor }
    }

    /// The same with rows that may be impossible to show.
    ///
    /// # Errors
    /// Those of `view`.
    pub fn try_page<R, T>(
        &self,
        rows: Vec<R>,
        key: impl Fn(&R) -> Vec<String>,
        view: impl FnMut(R) -> Result<T>,
    ) -> Result<Page<T>> {
        let page = self.page(rows, key, view);
        Ok(Page { items: page.items.into_iter().collect::<Result<_>>()?, next_cursor: page.next_cursor })
    }
}

fn write(filters: &str, key: &[String]) -> String {
    BASE64URL_NOPAD.encode(serde_json::json!([1, filters, key]).to_string().as_bytes())
}

fn read(cursor: &str, filters: &str) -> Option<Vec<String>> {
    if cursor.len() > 512 {
        return None;
    }
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    let (version, of, key): (u8, String, Vec<String>) = serde_json::from_slice(&bytes).ok()?;
    (version == 1 && of == filters).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_on_where_the_page_ended() {
        let all: Vec<u32> = (0..7).collect();
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let ask = Ask::new(Some(3), cursor.as_deref(), "numbers").unwrap();
            let after: Option<u32> = ask.after_one().unwrap();
            let fetch = usize::try_from(ask.fetch()).unwrap();
            let rows: Vec<u32> = all.iter().copied().filter(|n| after.is_none_or(|a| *n > a)).take(fetch).collect();
            let page = ask.page(rows, |n| vec![n.to_string()], |n| n);
            seen.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn limits_and_foreign_cursors_are_refused() {
        assert!(Ask::new(Some(0), None, "x").is_err());
        assert!(Ask::new(Some(201), None, "x").is_err());
        let cursor = write(&Ask::new(None, None, "x").unwrap().filters, &["1".into()]);
        assert!(Ask::new(None, Some(&cursor), "x").is_ok());
        assert!(Ask::new(None, Some(&cursor), "y").is_err());
        for bad in ["", "!!!", "AAAA", &"A".repeat(600)] {
            assert!(Ask::new(None, Some(bad), "x").is_err(), "{bad}");
        }
    }
}
