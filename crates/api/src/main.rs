//! The API's program; `--help` says what it can do.

fn main() -> std::process::ExitCode {
    iteratione_api::cli::main()
}
