//! One command of `ExecStart=` and its like (systemd.service(5), "Command lines").

use serde::{Deserialize, Serialize};

/// A command line, taken apart. Variables (`$X`, `${X}`) are still in it: they are replaced when it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExecCommand {
    /// The program: an absolute path, or a plain file name that is looked up when it runs.
    pub path: String,
    /// The arguments from `argv[0]` on (which is `path` unless the `@` prefix gave another).
    pub argv: Vec<String>,
    /// Prefix `-`: failure counts as success.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_failure: bool,
    /// Prefix `:`: no replacement of variables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_env: bool,
    /// Prefix `+`: run with full privileges, outside of the sandbox.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub privileged: bool,
    /// `privileged` follows from `PermissionsStartOnly=`, not from a prefix.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implied_privileged: bool,
    /// Prefix `!`: `User=`, `Group=` and `SupplementaryGroups=` don't apply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_setuid: bool,
    /// Prefix `!!`: like `!`, only where ambient capabilities are not supported.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ambient_hack: bool,
}

impl ExecCommand {
    /// The flags in the words of the D-Bus property `ExecStartEx`.
    pub fn flags(&self) -> Vec<&'static str> {
        [
            (self.ignore_failure, "ignore-failure"),
            (self.privileged && !self.implied_privileged, "privileged"),
            (self.no_setuid, "no-setuid"),
            (self.ambient_hack, "ambient"),
            (self.no_env, "no-env-expand"),
        ]
        .into_iter()
        .filter_map(|(set, word)| set.then_some(word))
        .collect()
    }
}
