//! `Condition…=` and `Assert…=` (systemd.unit(5), "Conditions and Asserts").

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($name:ident)*) => {
        /// What a condition looks at; the names are those of the directives, without their prefix.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum ConditionKind { $($name,)* }

        impl ConditionKind {
            /// All kinds.
            pub const ALL: &'static [ConditionKind] = &[$(ConditionKind::$name,)*];

            /// The directive's name without its prefix: `PathExists`.
            pub const fn as_str(self) -> &'static str {
                match self { $(ConditionKind::$name => stringify!($name),)* }
            }
        }
    };
}

kinds! {
    PathExists PathExistsGlob PathIsDirectory PathIsSymbolicLink PathIsMountPoint PathIsReadWrite
    PathIsEncrypted DirectoryNotEmpty FileNotEmpty FileIsExecutable NeedsUpdate FirstBoot
    Architecture Firmware Virtualization Host KernelCommandLine KernelVersion Credential Security
    Capability ACPower Memory CPUFeature CPUs Environment User Group ControlGroupController
    OSRelease MemoryPressure CPUPressure IOPressure KernelModuleLoaded Version
}

impl ConditionKind {
    /// Whether the parameter is a path.
    pub const fn takes_path(self) -> bool {
        matches!(
            self,
            ConditionKind::PathExists
                | ConditionKind::PathExistsGlob
                | ConditionKind::PathIsDirectory
                | ConditionKind::PathIsSymbolicLink
                | ConditionKind::PathIsMountPoint
                | ConditionKind::PathIsReadWrite
                | ConditionKind::PathIsEncrypted
                | ConditionKind::DirectoryNotEmpty
                | ConditionKind::FileNotEmpty
                | ConditionKind::FileIsExecutable
                | ConditionKind::NeedsUpdate
        )
    }
}

/// One condition or assert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What to look at.
    pub kind: ConditionKind,
    /// `Assert…=` instead of `Condition…=`.
    pub assert: bool,
    /// `|`: one of all such conditions suffices.
    pub trigger: bool,
    /// `!`: the opposite.
    pub negate: bool,
    /// The parameter, specifiers replaced.
    pub parameter: String,
    /// The line of the assignment.
    pub line: u32,
}

impl Condition {
    /// The directive's whole name, as on D-Bus: `ConditionPathExists`.
    pub fn name(&self) -> String {
        let prefix = if self.assert { "Assert" } else { "Condition" };
        format!("{prefix}{}", self.kind.as_str())
    }
}

/// How a condition came out, its `!` already applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tested {
    /// Met.
    Met,
    /// Not met.
    Unmet,
    /// It couldn't be found out; counts as not met.
    Error,
}
