//! Parses the command and calls the library.
fn main() -> std::process::ExitCode {
    ayni::cli::run()
}
