//! The whole stack: what both forms of the deployment share.

use anyhow::Result;

use crate::deployment::Deployment;
use crate::functions::{self, Function};
use crate::scale::Scale;
use crate::template::{Named, Resource};
use crate::{alarms, bus, dashboard, limits, mappings, queues, roles, schedule, tables};

/// Functions, and every other resource.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The functions: each form writes them in its own words.
    pub(crate) functions: Vec<Function>,
    /// Everything else, the same in both.
    pub(crate) resources: Named<Resource>,
}

impl Stack {
    /// The stack of a deployment.
    ///
    /// # Errors
    /// When a limit of AWS does not allow it.
    pub(crate) fn of(deployment: &Deployment, scale: &Scale) -> Result<Self> {
        let functions = functions::all(deployment);
        let queues = queues::all(deployment);
        let alarms = alarms::all(&functions, &queues);

        let mut resources = Named::default();
        tables::add(&mut resources);
        queues::add(&queues, &mut resources);
        functions::add_log_groups(&functions, &mut resources);
        roles::add(deployment, &functions, &mut resources);
        mappings::add(deployment, scale, &mut resources);
        schedule::add(&mut resources);
        bus::add(&mut resources);
        alarms::add(&alarms, &mut resources);
        dashboard::add(deployment, &functions, &queues, &alarms, &mut resources)?;

        let stack = Self { functions, resources };
        limits::check(&stack)?;
        Ok(stack)
    }
}
