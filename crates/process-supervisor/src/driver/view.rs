//! The machine's questions, answered by the kernel.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use sys::cgroup::Cgroup;
use sys::process::{self, Stat};

use super::host::Host;
use crate::core::Pid;
use crate::core::instance::Instance;
use crate::core::view::{Owner, PidFile, View};

/// Facts about one service, looked up when asked, at most once per event where that is expensive.
pub struct KernelView<'a> {
    host: &'a Host,
    cgroup: Option<&'a Cgroup>,
    invocation: &'a str,
    pid_file: Option<&'a str>,
    roots: Vec<Pid>,
    instances: Vec<Instance>,
    members: OnceCell<BTreeSet<i32>>,
    populated: OnceCell<Option<bool>>,
}

impl<'a> KernelView<'a> {
    /// `roots` are the service's known processes: whatever they made is the service's too. `instances` are those beside the
    /// one that the service is.
    pub fn new(
        host: &'a Host,
        cgroup: Option<&'a Cgroup>,
        invocation: &'a str,
        pid_file: Option<&'a str>,
        roots: Vec<Pid>,
        instances: Vec<Instance>,
    ) -> Self {
        let (members, populated) = (OnceCell::new(), OnceCell::new());
        Self { host, cgroup, invocation, pid_file, roots, instances, members, populated }
    }

    /// The service's control group.
    pub(super) fn cgroup(&self) -> Option<&'a Cgroup> {
        self.cgroup
    }

    /// All processes of the service that are no zombies.
    pub fn members(&self) -> &BTreeSet<i32> {
        self.members.get_or_init(|| match self.cgroup {
            Some(cgroup) => cgroup.pids().unwrap_or_default().into_iter().collect(),
            None => {
                let others = self.instances.iter().map(|instance| instance.invocation.as_str());
                self.walk(self.roots.iter(), std::iter::once(self.invocation).chain(others))
            }
        })
    }

    /// Without control groups: the descendants of what we started, and whoever carries an invocation's id.
    pub(super) fn walk<'i>(
        &self,
        roots: impl Iterator<Item = &'i Pid>,
        invocations: impl Iterator<Item = &'i str>,
    ) -> BTreeSet<i32> {
        let mut found = BTreeSet::new();
        for root in roots.filter_map(|pid| i32::try_from(*pid).ok()) {
            found.insert(root);
            found.extend(process::descendants(root));
        }
        for invocation in invocations.filter(|invocation| !invocation.is_empty()) {
            found.extend(process::with_environ("INVOCATION_ID", invocation));
        }
        found.retain(|pid| {
            u32::try_from(*pid).is_ok_and(|pid| !self.host.is_manager(pid))
                && Stat::read(*pid).is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X'))
        });
        found
    }

    fn has(&self, pid: i32) -> bool {
        match self.cgroup {
            Some(cgroup) => {
                let name = cgroup.name();
                process::cgroup(pid).is_ok_and(|path| {
                    path.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
            }
            None => self.members().contains(&pid),
        }
    }
}

impl View for KernelView<'_> {
    fn populated(&self) -> Option<bool> {
        *self.populated.get_or_init(|| match self.cgroup {
            Some(cgroup) => cgroup.populated().ok(),
            None if self.invocation.is_empty() && self.roots.is_empty() => Some(false),
            None => Some(!self.members().is_empty()),
        })
    }

    fn owner(&self, pid: Pid) -> Owner {
        if self.host.is_manager(pid) {
            return Owner::Manager;
        }
        let Ok(pid) = i32::try_from(pid) else { return Owner::Nobody };
        match Stat::read(pid) {
            Ok(stat) if !matches!(stat.state, 'Z' | 'X') => {
                if self.has(pid) {
                    Owner::Unit
                } else {
                    Owner::Other
                }
            }
            Ok(_) | Err(_) => Owner::Nobody,
        }
    }

    fn orphans(&self) -> Vec<Pid> {
        let ours = |pid: &i32| {
            Stat::read(*pid).is_ok_and(|stat| {
                !matches!(stat.state, 'Z' | 'X')
                    && u32::try_from(stat.ppid).is_ok_and(|ppid| self.host.is_manager(ppid))
            })
        };
        self.members().iter().filter(|pid| ours(pid)).filter_map(|pid| u32::try_from(*pid).ok()).collect()
    }

    fn watchdogs(&self) -> bool {
        self.host.watchdogs
    }

    fn instance_populated(&self, instance: &Instance) -> Option<bool> {
        self.is_populated(instance)
    }

    fn is_of_instance(&self, pid: Pid, instance: &Instance) -> bool {
        self.is_of(pid, instance)
    }

    fn pid_file(&self) -> Result<PidFile, String> {
        let path = self.pid_file.ok_or_else(|| "no PID file is configured".to_owned())?;
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let metadata = fs::metadata(path).map_err(|error| format!("{path}: {error}"))?;
        let link = fs::symlink_metadata(path).map_err(|error| format!("{path}: {error}"))?;
        // As it stands: systemd takes no blanks around the number either.
        let first = text.lines().next().unwrap_or_default();
        let pid = first.parse::<u32>().ok().filter(|pid| *pid > 0 && i32::try_from(*pid).is_ok());
        let pid = pid.ok_or_else(|| format!("{path} holds no process id: {first:?}"))?;
        let questionable = link.file_type().is_symlink() && link.uid() != 0;
        Ok(PidFile { pid, root_owned: metadata.uid() == 0, questionable })
    }
}
