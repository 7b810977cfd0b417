//! The words of units and jobs, as D-Bus spells them.

use serde::{Deserialize, Serialize};

/// A moment on both clocks, in microseconds. Arguments everywhere; the engine never asks for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// CLOCK_MONOTONIC.
    pub monotonic_usec: u64,
    /// CLOCK_REALTIME since 1970.
    pub realtime_usec: u64,
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$of_variant:meta])* $variant:ident $word:literal $doc:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $(#[doc = $doc] $(#[$of_variant])* $variant,)* }

        impl $name {
            /// The word on D-Bus.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The value of a word; `None` for any other text.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// The high-level state of a unit (systemctl(1), "ActiveState").
    #[derive(Default)]
    ActiveState {
        Active "active" "Started, plugged, bound, mounted.",
        Reloading "reloading" "Active, and reading its configuration again.",
        #[default] Inactive "inactive" "Stopped, unplugged.",
        Failed "failed" "Inactive, and the last run ended badly.",
        Activating "activating" "On the way from inactive to active.",
        Deactivating "deactivating" "On the way from active to inactive.",
        Maintenance "maintenance" "Being cleaned (`systemctl clean`).",
    }
}

impl ActiveState {
    /// Active or reloading.
    pub const fn is_up(self) -> bool {
        matches!(self, ActiveState::Active | ActiveState::Reloading)
    }

    /// Active, reloading or activating.
    pub const fn is_up_or_coming(self) -> bool {
        matches!(self, ActiveState::Active | ActiveState::Reloading | ActiveState::Activating)
    }

    /// Inactive or failed.
    pub const fn is_down(self) -> bool {
        matches!(self, ActiveState::Inactive | ActiveState::Failed)
    }

    /// Inactive, failed or deactivating.
    pub const fn is_down_or_going(self) -> bool {
        matches!(self, ActiveState::Inactive | ActiveState::Failed | ActiveState::Deactivating)
    }
}

words! {
    /// What a job does to its unit (org.freedesktop.systemd1(5), "Jobs").
    JobType {
        Start "start" "Make it active.",
        VerifyActive "verify-active" "Succeed if it is active already (`Requisite=`).",
        Stop "stop" "Make it inactive.",
        Reload "reload" "Let it read its configuration again.",
        Restart "restart" "Stop, then start; starts what is inactive.",
        TryRestart "try-restart" "Restart what is active, else nothing. Never installed: it collapses.",
        TryReload "try-reload" "Reload what is active, else nothing. Never installed.",
        ReloadOrStart "reload-or-start" "Reload what is active, else start. Never installed.",
        Nop "nop" "Nothing.",
    }
}

words! {
    /// How a request treats jobs that are queued already (systemctl(1), `--job-mode=`).
    JobMode {
        Fail "fail" "Refuse if a queued job conflicts.",
        Replace "replace" "Cancel conflicting jobs.",
        ReplaceIrreversibly "replace-irreversibly" "The same, and later requests can't cancel the new jobs.",
        Isolate "isolate" "Stop everything that isn't pulled in.",
        Flush "flush" "Cancel all queued jobs.",
        IgnoreDependencies "ignore-dependencies" "Only this unit, in no order.",
        IgnoreRequirements "ignore-requirements" "Only this unit, in order.",
        Triggering "triggering" "A stop takes the units along that would start it again.",
        RestartDependencies "restart-dependencies" "A start restarts the units that depend on it.",
    }
}

words! {
    /// How a job ended (org.freedesktop.systemd1(5), signal JobRemoved).
    JobResult {
        Done "done" "Successfully.",
        Canceled "canceled" "By another job, or by hand.",
        Timeout "timeout" "`JobTimeoutSec=` or `JobRunningTimeoutSec=` elapsed.",
        Failed "failed" "The unit failed.",
        Dependency "dependency" "A unit that it needs failed to start.",
        Skipped "skipped" "It doesn't apply to the unit's present state.",
        Invalid "invalid" "A reload of something that isn't active.",
        Assert "assert" "An `Assert…=` wasn't met.",
        Unsupported "unsupported" "Units of this type don't work here.",
        Collected "collected" "Nobody waits for it any more.",
        Once "once" "The unit was started once, and only once is possible.",
    }
}

words! {
    /// Whether an installed job has begun.
    JobState {
        Waiting "waiting" "For other jobs, or for a worker that is away.",
        Running "running" "The unit is at it.",
    }
}

words! {
    /// The manager's own state (systemctl(1), is-system-running).
    SystemState {
        Initializing "initializing" "Early boot, before basic.target.",
        Starting "starting" "Late boot, until the job queue is first empty.",
        Running "running" "All is well.",
        Degraded "degraded" "Some unit is failed.",
        Maintenance "maintenance" "rescue.target or emergency.target is active.",
        Stopping "stopping" "Shutting down.",
    }
}

/// `Markers` of a unit: what a package manager wants done to it later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Markers {
    /// `needs-reload`; ends with the reload.
    pub needs_reload: bool,
    /// `needs-restart`; ends, as the other, when the unit is down.
    pub needs_restart: bool,
}

impl Markers {
    /// systemd's words for those that are set.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let words = [(self.needs_reload, "needs-reload"), (self.needs_restart, "needs-restart")];
        words.into_iter().filter_map(|(set, word)| set.then_some(word))
    }
}
