//! `cargo run -p pollwheel-infra`: renders `serverless.yml`, the SAM template and the catalog from the channels and
//! `infra/scale.yml`.
//!
//! With `--check` nothing is written; stale files are named, and the exit status is 1. Run in the checkout's folder.

mod alarms;
#[cfg(test)]
mod billed;
mod bus;
mod dashboard;
mod deployment;
mod files;
mod functions;
mod limits;
mod mappings;
mod outputs;
mod parameters;
mod queues;
mod roles;
mod sam;
mod scale;
mod schedule;
mod serverless;
mod stack;
mod tables;
mod template;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(".");
    let files = files::render(root)?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            files::write(root, &files)?;
            Ok(ExitCode::SUCCESS)
        }
        ["--check"] => {
            let stale = files::stale(root, &files);
            for path in &stale {
                eprintln!("{path} is stale: just render");
            }
            Ok(if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        _ => bail!("usage: render [--check]"),
    }
}
