//! What needs no look at the system: text in, values out.

pub mod cgroup_path;
pub mod env_file;
pub mod environment;
pub mod expand;
pub mod seccomp;
