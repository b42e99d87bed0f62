//! `pollwheel completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::Failure;
use crate::output::Output;

/// Prints the completion script of a shell.
pub(crate) fn print(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "pollwheel", &mut script);
    let mut output = Output::new();
    output.bytes(&script)?;
    output.finish()
}
