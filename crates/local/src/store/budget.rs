//! Counters of shared limits, and how far the limits are overdrawn.

use std::ops::ControlFlow;

use pollwheel_core::budget::{Pace, PaceKey, SpendSlot};
use pollwheel_core::keys;
use pollwheel_core::ports::PortError;
use pollwheel_core::time::EpochMinute;
use redb::ReadableTable;

use super::error::Failure;
use super::file::Ending;
use super::stats::StoreStats;
use super::{Store, layout};

/// Slots of a limit that are kept: of a worker whose clock is behind, and for a look at what happened.
const KEPT_SLOTS: u64 = 64;
/// The bits of one of two numbers in a value.
const HALF: u32 = 32;

impl Store {
    pub(super) fn reserve_units(&self, slot: &SpendSlot, units: u64, most: u64) -> Result<u64, PortError> {
        let key = keys::spend_key(slot);
        let oldest = SpendSlot { index: slot.index.saturating_sub(KEPT_SLOTS), ..slot.clone() };
        let (first, past) = (keys::spend_prefix(&slot.of), keys::spend_key(&oldest));
        let reserved = self.backing.write(|transaction| {
            let mut table = transaction.open_table(layout::CONTROL)?;
            let used = table.get(&*key)?.map(|value| value.value());
            let granted = units.min(most.saturating_sub(used.unwrap_or_default()));
            if granted == 0 {
                return Ok((ControlFlow::Break(()), Ending::Abort));
            }
            if used.is_none() {
                table.retain_in::<&str, _>(&*first..&*past, |_, _| false)?;
            }
            table.insert(&*key, used.unwrap_or_default().saturating_add(granted))?;
            Ok((ControlFlow::Continue(granted), Ending::Commit))
        });
        let granted = reserved.map_err(|failure: Failure| failure.of(format!("reserving in `{key}`")))?;
        let ControlFlow::Continue(granted) = granted else { return Ok(0) };
        self.count(StoreStats { control_writes: 1, commits: 1, ..StoreStats::default() });
        Ok(granted)
    }

    pub(super) fn read_paces(&self, of: &[PaceKey]) -> Result<Vec<Pace>, PortError> {
        let read_all = self.backing.read(|transaction| {
            let table = transaction.open_table(layout::CONTROL)?;
            let number = |key: &str| Ok::<_, Failure>(table.get(key)?.map(|value| value.value()));
            let pace = |of: &PaceKey| {
                let key = keys::pace_key(of);
                let (Some(packed), Some(at)) = (number(&key)?, number(&minute_key(&key))?) else {
                    return Ok(Pace::default());
                };
                Ok(Pace {
                    turns_thousandths: u32::try_from(packed >> HALF).unwrap_or(u32::MAX),
                    mean_thousandths: u32::try_from(packed & u64::from(u32::MAX)).unwrap_or(u32::MAX),
                    position: number(&position_key(&key))?.unwrap_or_default(),
                    price_millionths: number(&price_key(&key))?.unwrap_or(Pace::USUAL_PRICE_MILLIONTHS),
                    at: Some(EpochMinute::new(u32::try_from(at).unwrap_or(u32::MAX))),
                })
            };
            of.iter().map(pace).collect()
        });
        read_all.map_err(|failure: Failure| failure.of("reading how far limits are overdrawn".to_owned()))
    }

    pub(super) fn write_pace(&self, of: &PaceKey, pace: Pace) -> Result<(), PortError> {
        let key = keys::pace_key(of);
        let packed = (u64::from(pace.turns_thousandths) << HALF) | u64::from(pace.mean_thousandths);
        let written = self.backing.write(|transaction| {
            let mut table = transaction.open_table(layout::CONTROL)?;
            table.insert(&*key, packed)?;
            table.insert(&*position_key(&key), pace.position)?;
            table.insert(&*price_key(&key), pace.price_millionths)?;
            table.insert(&*minute_key(&key), u64::from(pace.at.map_or(0, EpochMinute::get)))?;
            Ok(((), Ending::Commit))
        });
        written.map_err(|failure: Failure| failure.of(format!("writing `{key}`")))?;
        self.count(StoreStats { control_writes: 1, commits: 1, ..StoreStats::default() });
        Ok(())
    }
}

/// Where the position of a pace stands.
fn position_key(key: &str) -> String {
    format!("{key}#position")
}

/// Where the price of a pace stands.
fn price_key(key: &str) -> String {
    format!("{key}#price")
}

/// Where the minute of a pace stands.
fn minute_key(key: &str) -> String {
    format!("{key}#at")
}
