//! Whole polls against servers in memory.

mod model;
mod outcomes;
mod pages;
mod property;
mod server;
mod tokens;
mod torrent;
