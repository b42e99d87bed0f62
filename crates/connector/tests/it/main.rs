//! The connector over real connections, against servers that behave badly.

mod addresses;
mod bodies;
mod redirects;
mod reuse;
mod server;
mod setup;
