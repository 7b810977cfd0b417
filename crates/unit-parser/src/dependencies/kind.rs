//! The sorts of dependency, and their inverses.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($name:ident <-> $inverse:ident $doc:literal)*) => {
        /// A sort of dependency. The names are those of the D-Bus properties.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum DependencyKind {
            $(#[doc = $doc] $name, $inverse,)*
        }

        impl DependencyKind {
            /// All sorts, each followed by its inverse.
            pub const ALL: &'static [DependencyKind] =
                &[$(DependencyKind::$name, DependencyKind::$inverse,)*];

            /// The name of the D-Bus property: `BindsTo`.
            pub const fn as_str(self) -> &'static str {
                match self { $(
                    DependencyKind::$name => stringify!($name),
                    DependencyKind::$inverse => stringify!($inverse),
                )* }
            }

            /// The sort that the other unit has towards this one.
            pub const fn inverse(self) -> DependencyKind {
                match self { $(
                    DependencyKind::$name => DependencyKind::$inverse,
                    DependencyKind::$inverse => DependencyKind::$name,
                )* }
            }
        }
    };
}

kinds! {
    Requires <-> RequiredBy "Start it too; fail if it fails (with an ordering)."
    Requisite <-> RequisiteOf "Fail unless it is active already."
    Wants <-> WantedBy "Start it too."
    BindsTo <-> BoundBy "Like Requires, and stop when it goes away for any reason."
    PartOf <-> ConsistsOf "Stop and restart with it."
    Upholds <-> UpheldBy "Start it whenever it is found inactive while this unit is active."
    Conflicts <-> ConflictedBy "Only one of both can be active."
    Before <-> After "Ordering."
    OnSuccess <-> OnSuccessOf "Start it when this unit ends well."
    OnFailure <-> OnFailureOf "Start it when this unit fails."
    Triggers <-> TriggeredBy "This unit starts it upon its own event."
    PropagatesReloadTo <-> ReloadPropagatedFrom "Reload it with this unit."
    PropagatesStopTo <-> StopPropagatedFrom "Stop it with this unit."
    References <-> ReferencedBy "Keep it loaded."
    InSlice <-> SliceOf "The slice that this unit is in."
    JoinsNamespaceOf <-> NamespaceJoinedBy "Share its private namespaces."
}
