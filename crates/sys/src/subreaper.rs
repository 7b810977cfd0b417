//! Orphans of our descendants become our children instead of PID 1's (prctl(2) PR_SET_CHILD_SUBREAPER).

use std::io;

/// Makes this process the one that orphaned descendants are handed to. It is not inherited by children.
pub fn enable() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}
