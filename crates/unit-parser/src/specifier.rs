//! Specifiers (systemd.unit(5), "Specifiers").

/// What specifiers say about the machine and the manager. Data, gathered by [`crate::machine`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// `%m`
    pub machine_id: String,
    /// `%b`
    pub boot_id: String,
    /// `%H`
    pub host_name: String,
    /// `%q`
    pub pretty_host_name: String,
    /// `%v`
    pub kernel_release: String,
    /// `%a`, in systemd's words: `x86-64`, `arm64`.
    pub architecture: String,
    /// Fields of os-release: `%o` ID, `%w` VERSION_ID, `%B` BUILD_ID, `%W` VARIANT_ID, `%A` IMAGE_VERSION, `%M` IMAGE_ID.
    pub os_release: Vec<(String, String)>,
    /// `%u`: the manager's user name.
    pub user: String,
    /// `%U`
    pub uid: u32,
    /// `%g`
    pub group: String,
    /// `%G`
    pub gid: u32,
    /// `%h`
    pub home: String,
    /// `%s`
    pub shell: String,
    /// `%t`
    pub runtime_dir: String,
    /// `%S`
    pub state_dir: String,
    /// `%C`
    pub cache_dir: String,
    /// `%L`
    pub log_dir: String,
    /// `%E`
    pub config_dir: String,
    /// `%T`
    pub tmp_dir: String,
    /// `%V`
    pub var_tmp_dir: String,
    /// `%d` without the unit's name: the directory of credentials.
    pub credentials_dir: String,
}
