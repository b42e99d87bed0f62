//! Whole polls against servers in memory.

mod outcomes;
mod server;
mod torrent;
