//! The database URL: its scheme chooses the engine, explicitly. Nothing is guessed, since SQLite takes nearly any text for
//! a file name.
use super::OpenError;
use std::path::PathBuf;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, as libpq takes it, with a time limit on connecting.
    Postgres(String),
}

impl DatabaseUrl {
    /// Reads a URL. A PostgreSQL beyond loopback or a socket is refused in a build without TLS towards it, unless
    /// `plaintext_allowed`.
    ///
    /// # Errors
    /// [`OpenError::Url`] with a sentence that says what is wrong; it never repeats the password.
    pub fn parse(text: &str, plaintext_allowed: bool) -> Result<Self, OpenError> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            if path.is_empty() || path.starts_with(':') || path.contains('?') {
                return Err(OpenError::Url(
                    "the SQLite URL needs the path of a file after sqlite://, without options".into(),
                ));
            }
            return Ok(DatabaseUrl::Sqlite(PathBuf::from(path)));
        }
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
            return Err(OpenError::Url("the database URL must begin with sqlite:// or postgres://".into()));
        }
        let mut url =
            url::Url::parse(text).map_err(|why| OpenError::Url(format!("the PostgreSQL URL cannot be read: {why}")))?;
        if !plaintext_allowed && !cfg!(feature = "db-tls") && !is_local(&url) {
            return Err(OpenError::Url(
                "this build has no TLS towards PostgreSQL, so only a server on loopback or a socket is accepted; build \
                 with the feature db-tls, or set AYNI_ALLOW_PLAINTEXT_DATABASE=true on a private network"
                    .into(),
            ));
        }
        if !url.query_pairs().any(|(name, _)| name == "connect_timeout") {
            url.query_pairs_mut().append_pair("connect_timeout", "2");
        }
        Ok(DatabaseUrl::Postgres(url.into()))
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> Option<&std::path::Path> {
        match self {
            DatabaseUrl::Sqlite(path) => Some(path),
            DatabaseUrl::Postgres(_) => None,
        }
    }

    /// How the URL may be shown: without the password.
    pub fn shown(&self) -> String {
        match self {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(text) => match url::Url::parse(text) {
                Ok(url) => format!("postgres://{}{}", url.host_str().unwrap_or("(socket)"), url.path()),
                Err(_) => "postgres://…".into(),
            },
        }
    }
}

/// True where every host that the URL names is this machine or a socket's folder.
fn is_local(url: &url::Url) -> bool {
    let mut hosts: Vec<String> = url
        .query_pairs()
        .filter(|(name, _)| name == "host" || name == "hostaddr")
        .flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    hosts.extend(url.host_str().filter(|host| !host.is_empty()).map(str::to_owned));
    hosts.iter().all(|host| {
        host.starts_with('/')
            || host.starts_with("%2F")
            || host == "localhost"
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        DatabaseUrl::parse(text, false).expect_err(text).to_string()
    }

    #[test]
    fn a_url_without_a_known_scheme_is_refused() {
        for text in ["", "data/ayni.db", "host=localhost dbname=ayni", "mysql://x/y", "sqlite:x.db"] {
            assert!(refused(text).contains("must begin with"), "{text}");
        }
        for text in ["sqlite://", "sqlite://:memory:", "sqlite://a.db?mode=ro"] {
            assert!(refused(text).contains("path of a file"), "{text}");
        }
    }

    #[test]
    fn a_server_beyond_this_machine_needs_tls_or_an_explicit_word() {
        for text in ["postgres://u:secret@db.example/ayni", "postgres:///ayni?host=10.0.0.4"] {
            if cfg!(feature = "db-tls") {
                continue;
            }
            assert!(refused(text).contains("TLS"), "{text}");
            assert!(!refused(text).contains("secret"));
            assert!(DatabaseUrl::parse(text, true).is_ok());
        }
        for text in [
            "postgres://u@localhost/ayni",
            "postgres://u@127.0.0.1:5433/ayni",
            "postgres://u@[::1]/ayni",
            "postgres:///ayni?host=/run/postgresql",
        ] {
            assert!(DatabaseUrl::parse(text, false).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_shown_url_has_no_password() {
        let url = DatabaseUrl::parse("postgres://u:secret@localhost/ayni", false).unwrap();
        assert_eq!(url.shown(), "postgres://localhost/ayni");
    }
}
