//! Where the programs under test are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository")
}

/// cargo's target directory, from where this test runs (`<target>/<profile>/deps/<test>`).
pub fn target_directory() -> PathBuf {
    let exe = std::env::current_exe().expect("a test has a file");
    exe.ancestors().nth(3).expect("tests lie three levels below the target directory").to_owned()
}

/// Directory of the release programs: `QUINTET_BIN`, else built now, once per test program.
pub fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        if let Some(dir) = std::env::var_os("QUINTET_BIN") {
            return PathBuf::from(dir);
        }
        let target = target_directory();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--release", "--locked", "--workspace", "--bins", "--quiet"])
            .current_dir(repository())
            .env("CARGO_TARGET_DIR", &target)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the release programs must build");
        target.join("release")
    })
}
