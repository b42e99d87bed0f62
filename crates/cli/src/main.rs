//! The `pollwheel` command: arguments, logs, one function a command.

mod accounts;
mod applications;
mod args;
mod channel;
mod completions;
mod contact;
mod cost;
mod demo;
mod due;
mod exit;
mod job;
mod lateness;
mod logs;
mod output;
mod pause;
mod plan;
mod report;
mod run;
mod screen;
mod signals;
mod simulate;
mod standing;
mod status;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command, JobCommand};
use screen::Screen;

/// The root Cargo.toml says why.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let screen = Screen::new();
    let done = logs::start(args.log.as_deref(), args.command.usual_log(), &screen).and_then(|()| match args
        .command
    {
        Command::Run(args) if args.demo => demo::run(&args, &screen),
        Command::Run(args) => run::run(&args, &screen),
        Command::Channel(command) => channel::run(&command, &screen),
        Command::Job(JobCommand::List(args)) => job::list(&args),
        Command::Job(JobCommand::Show(args)) => job::show(&args),
        Command::Job(JobCommand::Explain(args)) => job::explain(&args),
        Command::Job(JobCommand::Park(args)) => job::park(&args),
        Command::Job(JobCommand::Unpark(args)) => job::unpark(&args),
        Command::Pause(args) => pause::pause(&args),
        Command::Resume(args) => pause::resume(&args),
        Command::Status(args) => standing::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Cost(args) => cost::run(&args),
        Command::Simulate(args) => simulate::run(&args, &screen),
        Command::Completions(args) => completions::print(args.shell),
    });
    exit::code(done, &screen)
}
