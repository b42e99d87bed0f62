//! The `upstream` command: arguments, logging, a server, signals.

mod args;

use std::io::{IsTerminal, Write};

use anyhow::Context;
use clap::Parser;
use pollwheel_upstream::Upstream;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = args::Args::parse();
    if let Some(command) = args.command.take() {
        return command.run(&mut std::io::stdout().lock()).context("could not write to stdout");
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let config = args.into_config();
    let listen = config.listen;
    let running = Upstream::start(config).await.with_context(|| format!("could not serve on `{listen}`"))?;
    let ready = serde_json::json!({ "listening": running.addr().to_string() });
    // A reader that has gone away is no reason to stop serving.
    let _ = writeln!(std::io::stdout(), "{ready}");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    let total = running.stats().total;
    tracing::info!(
        requests = total.requests,
        http_429 = total.http_429,
        violations = total.violations,
        "stopping"
    );
    running.shutdown().await;
    Ok(())
}
