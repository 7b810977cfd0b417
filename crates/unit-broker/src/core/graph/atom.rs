//! What the kinds of dependency mean: each kind is a bundle of effects ("atoms"), and the engine asks for effects.

use unit_parser::DependencyKind::{self, *};

/// One effect that a dependency has, seen from the unit whose list it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) enum Atom {
    /// A start job here pulls in a start job there, and can't do without it.
    PullInStart,
    /// A start job here pulls in a start job there, if possible.
    PullInStartIgnored,
    /// A start job here is pointless unless the other is active.
    PullInVerify,
    /// A start job here stops the other, and can't do without it.
    PullInStop,
    /// A start job here stops the other, if possible.
    PullInStopIgnored,
    /// A stop job here stops the other.
    PropagateStop,
    /// A restart job here restarts the other if it is active.
    PropagateRestart,
    /// A failed start here fails start jobs there.
    PropagateStartFailure,
    /// A failed stop here fails start jobs there.
    PropagateStopFailure,
    /// A start here that succeeded without making the unit active fails start jobs there.
    PropagateInactiveStart,
    /// An unexpected start here starts the other, replacing jobs.
    RetroactiveStartReplace,
    /// An unexpected start here starts the other unless jobs conflict.
    RetroactiveStartFail,
    /// An unexpected start here stops the other.
    RetroactiveStopOnStart,
    /// An unexpected stop here stops the other.
    RetroactiveStopOnStop,
    /// When this unit goes down, the other may be unneeded.
    MayBeUnneeded,
    /// While the other is up or busy, this one is needed.
    Needed,
    /// This unit can't be active without the other.
    BoundTo,
    /// The other can't be active without this one.
    Binds,
    /// While the other is active, this one is to be started whenever it is down.
    Upheld,
    /// The reverse of `Upheld`.
    Upholds,
    /// A target is ordered after the other by default.
    TargetAfter,
}

impl Atom {
    /// The kinds that have this effect.
    pub const fn kinds(self) -> &'static [DependencyKind] {
        match self {
            Atom::PullInStart | Atom::RetroactiveStartReplace => &[Requires, BindsTo],
            Atom::PullInStartIgnored | Atom::RetroactiveStartFail => &[Wants, Upholds],
            Atom::PullInVerify => &[Requisite],
            Atom::PullInStop => &[Conflicts],
            Atom::PullInStopIgnored | Atom::PropagateStopFailure => &[ConflictedBy],
            Atom::PropagateStop => &[RequiredBy, RequisiteOf, BoundBy, ConsistsOf, PropagatesStopTo],
            Atom::PropagateRestart => &[RequiredBy, RequisiteOf, BoundBy, ConsistsOf],
            Atom::PropagateStartFailure => &[RequiredBy, RequisiteOf, BoundBy],
            Atom::PropagateInactiveStart => &[RequisiteOf],
            Atom::RetroactiveStopOnStart => &[Conflicts, ConflictedBy],
            Atom::RetroactiveStopOnStop => &[BoundBy, PropagatesStopTo],
            Atom::MayBeUnneeded => &[Requires, Requisite, Wants, BindsTo, Upholds],
            Atom::TargetAfter => &[Requires, Requisite, Wants, BindsTo, PartOf, Upholds],
            Atom::Needed => &[RequiredBy, RequisiteOf, WantedBy, BoundBy, UpheldBy],
            Atom::BoundTo => &[BindsTo],
            Atom::Binds => &[BoundBy],
            Atom::Upheld => &[UpheldBy],
            Atom::Upholds => &[Upholds],
        }
    }
}
