//! What became of an account: alive, or refused in one of the ways an API refuses.

use crate::channel::Channel;
use crate::config::Config;
use crate::draw::{self, Chance, Draws};

/// An account's state, the same for the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Alive,
    /// Its token is refused: 401.
    Unauthorized,
    /// Its token may not read it: 403.
    Forbidden,
    /// It was deleted: 410, or 404 where the API says so.
    Gone,
    /// It never was: 404.
    Missing,
    /// Nobody may ask for it now, whatever the window says.
    Throttled,
}

/// Decides fates: by the id's prefix, else by the configured rates.
#[derive(Debug, Clone)]
pub(crate) struct Fates {
    seed: u64,
    unauthorized: Chance,
    gone: Chance,
}

impl Fates {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            seed: config.seed,
            unauthorized: Chance::of(config.unauthorized_rate),
            gone: Chance::of(config.gone_rate),
        }
    }

    pub(crate) fn of(&self, channel: Channel, account: &str) -> Fate {
        const PREFIXES: [(&str, Fate); 5] = [
            ("unauthorized-", Fate::Unauthorized),
            ("forbidden-", Fate::Forbidden),
            ("gone-", Fate::Gone),
            ("missing-", Fate::Missing),
            ("throttled-", Fate::Throttled),
        ];
        if let Some((_, fate)) = PREFIXES.iter().find(|(prefix, _)| account.starts_with(prefix)) {
            return *fate;
        }
        let mut draws = Draws::new(draw::key(self.seed, account), channel as u64);
        if self.unauthorized.hits(&mut draws) {
            Fate::Unauthorized
        } else if self.gone.hits(&mut draws) {
            Fate::Gone
        } else {
            Fate::Alive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_decide_first() {
        let fates = Fates::new(&Config::default());
        assert_eq!(fates.of(Channel::Mastodon, "gone-7"), Fate::Gone);
        assert_eq!(fates.of(Channel::Github, "missing-7"), Fate::Missing);
        assert_eq!(fates.of(Channel::Github, "unauthorized-7"), Fate::Unauthorized);
        assert_eq!(fates.of(Channel::Github, "forbidden-7"), Fate::Forbidden);
        assert_eq!(fates.of(Channel::Github, "7-gone"), Fate::Alive);
    }

    #[test]
    fn rates_decide_for_the_rest() {
        let config = Config { unauthorized_rate: 0.1, gone_rate: 0.2, ..Config::default() };
        let fates = Fates::new(&config);
        let all: Vec<_> = (0..10_000).map(|n| fates.of(Channel::Mastodon, &n.to_string())).collect();
        let count = |fate| all.iter().filter(|f| **f == fate).count();
        assert!((900..1_100).contains(&count(Fate::Unauthorized)));
        assert!((1_650..1_950).contains(&count(Fate::Gone)));
    }
}
