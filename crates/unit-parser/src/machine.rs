//! Gathers what specifiers need to know about this machine.

use crate::load::Mode;
use crate::specifier::Host;

/// The facts about this machine, for a manager of this mode.
pub fn host(_mode: Mode) -> Host {
    Host::default()
}
