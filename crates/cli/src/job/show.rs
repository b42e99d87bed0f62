//! `pollwheel job show`: a row as it is stored.

use anyhow::Context;

use super::{find, open, wait};
use crate::args::JobShowArgs;
use crate::exit::Failure;
use crate::output::Output;

/// Shows the rows of a job or an account.
pub(crate) fn show(args: &JobShowArgs) -> Result<(), Failure> {
    let store = open(&args.state.folder)?;
    let rows = wait(find(&store, &args.job))?;
    let mut output = Output::new();
    for row in rows {
        if args.state.json {
            output.json(&row)?;
        } else {
            output.line(&row.job)?;
            output.line(serde_json::to_string_pretty(&row).context("cannot write the row as JSON")?)?;
        }
    }
    output.finish()
}
