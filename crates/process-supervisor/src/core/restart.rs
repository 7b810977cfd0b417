//! The `Restart=` table (systemd.service(5), "Exit causes and the effect of the Restart= settings").

use serde::{Deserialize, Serialize};

use super::exit::{Exit, ServiceResult};
use unit_parser::ExitStatusSet;

/// `Restart=`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// However it ended.
    Always,
    /// After a clean end.
    OnSuccess,
    /// After any unclean end.
    OnFailure,
    /// After signals, time-outs and a missed watchdog, not after an exit status.
    OnAbnormal,
    /// After a missed watchdog.
    OnWatchdog,
    /// After an unclean signal.
    OnAbort,
}

impl Restart {
    /// From the directive's word.
    pub fn parse(word: &str) -> Option<Restart> {
        Some(match word {
            "no" => Restart::No,
            "always" => Restart::Always,
            "on-success" => Restart::OnSuccess,
            "on-failure" => Restart::OnFailure,
            "on-abnormal" => Restart::OnAbnormal,
            "on-watchdog" => Restart::OnWatchdog,
            "on-abort" => Restart::OnAbort,
            _ => return None,
        })
    }

    /// The column of the table.
    pub fn covers(self, result: ServiceResult) -> bool {
        use ServiceResult::{CoreDump, ExecCondition, ExitCode, Signal, Success, Watchdog};
        match self {
            Restart::No => false,
            Restart::Always => result != ExecCondition,
            Restart::OnSuccess => result == Success,
            Restart::OnFailure => !matches!(result, Success | ExecCondition),
            Restart::OnAbnormal => !matches!(result, Success | ExitCode | ExecCondition),
            Restart::OnWatchdog => result == Watchdog,
            Restart::OnAbort => matches!(result, Signal | CoreDump),
        }
    }
}

/// Whether a service that just went down comes back by itself, unless it was stopped on purpose.
pub fn wanted(
    restart: Restart,
    result: ServiceResult,
    main: Option<Exit>,
    prevent: &ExitStatusSet,
    force: &ExitStatusSet,
) -> bool {
    if main.is_some_and(|exit| exit.is_in(prevent)) {
        return false;
    }
    if main.is_some_and(|exit| exit.is_in(force)) {
        return true;
    }
    restart.covers(result)
}

/// The pause before restart number `restarts` (from 0): `RestartSec=`, grown in `RestartSteps=` steps up to
/// `RestartMaxDelaySec=` (systemd 254), each step by the same factor.
pub fn delay(base: u64, steps: u32, max: u64, restarts: u32) -> u64 {
    if steps == 0 || max == u64::MAX || max <= base || base == u64::MAX {
        return base;
    }
    if restarts >= steps {
        return max;
    }
    // The first step from 0 would stay at 0: systemd counts from a microsecond.
    let from = base.max(1) as f64;
    let factor = (max as f64 / from).powf(f64::from(restarts) / f64::from(steps));
    (from * factor) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServiceResult::*;

    #[test]
    fn table_of_the_manual() {
        let results = [Success, ExitCode, Signal, CoreDump, Timeout, Watchdog, ExecCondition];
        let rows = [
            (Restart::No, [0, 0, 0, 0, 0, 0, 0]),
            (Restart::Always, [1, 1, 1, 1, 1, 1, 0]),
            (Restart::OnSuccess, [1, 0, 0, 0, 0, 0, 0]),
            (Restart::OnFailure, [0, 1, 1, 1, 1, 1, 0]),
            (Restart::OnAbnormal, [0, 0, 1, 1, 1, 1, 0]),
            (Restart::OnAbort, [0, 0, 1, 1, 0, 0, 0]),
            (Restart::OnWatchdog, [0, 0, 0, 0, 0, 1, 0]),
        ];
        for (restart, row) in rows {
            for (result, want) in results.into_iter().zip(row) {
                assert_eq!(restart.covers(result), want == 1, "{restart:?} {result:?}");
            }
        }
    }

    #[test]
    fn prevent_beats_force_beats_table() {
        let mut seven = ExitStatusSet::default();
        seven.add_code(7);
        let none = ExitStatusSet::default();
        let exit = Some(Exit::Exited(7));
        assert!(!wanted(Restart::Always, ExitCode, exit, &seven, &seven));
        assert!(wanted(Restart::No, ExitCode, exit, &none, &seven));
        assert!(!wanted(Restart::No, ExitCode, None, &none, &seven), "no main process ran");
    }

    #[test]
    fn delays_grow() {
        assert_eq!(delay(100, 0, 1000, 5), 100);
        let delays: Vec<u64> = (0..5).map(|n| delay(1_000_000, 2, 100_000_000, n)).collect();
        assert_eq!(delays, [1_000_000, 10_000_000, 100_000_000, 100_000_000, 100_000_000]);
    }
}
