//! Clocks, in microseconds as everywhere in systemd's interfaces.

use nix::time::{ClockId, clock_gettime};

/// CLOCK_MONOTONIC in µs: what `*TimestampMonotonic` properties hold.
pub fn monotonic() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// CLOCK_REALTIME in µs since 1970: what `*Timestamp` properties hold.
pub fn realtime() -> u64 {
    read(ClockId::CLOCK_REALTIME)
}

/// CLOCK_BOOTTIME in µs: monotonic, but counts suspended time too.
pub fn boottime() -> u64 {
    read(ClockId::CLOCK_BOOTTIME)
}

/// These clocks exist on every Linux that can run us, so an error (impossible) reads as 0.
fn read(id: ClockId) -> u64 {
    let Ok(time) = clock_gettime(id) else {
        return 0;
    };
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let micros = u64::try_from(time.tv_nsec()).unwrap_or(0) / 1000;
    seconds.saturating_mul(1_000_000).saturating_add(micros)
}
