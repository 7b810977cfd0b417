//! Controllers: what counts and limits the processes of a cgroup (cgroups(7)).

use super::{Cgroup, CgroupRoot};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

impl CgroupRoot {
    /// The controllers that its cgroups can be given. None on hybrid hosts, where the old hierarchy has them.
    pub fn controllers(&self) -> Vec<String> {
        words(&self.path.join("cgroup.controllers"))
    }

    /// Gives a cgroup below, which exists, one of the controllers that can be given: so do all between.
    ///
    /// # Errors
    /// What the kernel says: EBUSY where processes are in a cgroup between (only the leaves may have any).
    pub fn give(&self, cgroup: &Cgroup, controller: &str) -> io::Result<()> {
        let mut above: Vec<&Path> =
            cgroup.path.ancestors().skip(1).take_while(|dir| dir.starts_with(&self.path)).collect();
        above.reverse();
        for dir in above {
            let mut file = OpenOptions::new().write(true).open(dir.join("cgroup.subtree_control"))?;
            file.write_all(format!("+{controller}").as_bytes())?;
        }
        Ok(())
    }
}

impl Cgroup {
    /// Controllers that this cgroup has.
    pub fn controllers(&self) -> Vec<String> {
        words(&self.path.join("cgroup.controllers"))
    }

    /// Writes an attribute, such as `pids.max`.
    ///
    /// # Errors
    /// What the kernel says; NotFound without its controller.
    pub fn set(&self, attribute: &str, value: &str) -> io::Result<()> {
        self.write(attribute, value)
    }
}

fn words(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}
