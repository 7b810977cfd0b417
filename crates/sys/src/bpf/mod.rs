//! Programs of the kernel's bpf machine, attached to control groups (bpf(2)).

mod call;
pub mod devices;

use std::io;
use std::path::Path;

pub use devices::{Access, Class, Rule};

/// What our programs are called: an earlier one is found by it, whoever attached it.
const NAME: &str = "quintet_dev";

/// Lets the processes of a control group, and of those below, use the devices that a rule allows and no others. What an earlier
/// call said of the group no longer counts; `None`: all devices may be used.
///
/// # Errors
/// What the kernel says: EPERM without the right to it, as in most containers.
pub fn allow_devices(group: &Path, rules: Option<&[Rule]>) -> io::Result<()> {
    let directory = std::fs::File::open(group)?;
    let before = call::attached(&directory)?;
    if let Some(rules) = rules {
        let program = call::load(&devices::program(rules), NAME)?;
        call::attach(&directory, &program)?;
    }
    // Only now: there is no moment in which everything is allowed.
    for id in before {
        let program = call::program(id)?;
        if call::name(&program)? == NAME {
            call::detach(&directory, &program)?;
        }
    }
    Ok(())
}
