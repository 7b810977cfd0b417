//! The command on units below a directory: `--root=`, and the exit statuses.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Image(PathBuf);

impl Image {
    fn new(name: &str) -> Image {
        let root = std::env::temp_dir().join(format!("image-{}-{name}", std::process::id()));
        let image = Image(root);
        image.write("usr/lib/systemd/system/a.service", "[Unit]\nDescription=old\n[Service]\nExecStart=/bin/a\n");
        image
            .write("etc/systemd/system/a.service", "[Unit]\nDescription=new\n[Service]\nExecStart=/bin/a\nRestrt=no\n");
        image.write("etc/systemd/system/a.service.d/10-x.conf", "[Service]\nNice=5\n");
        image.write("usr/lib/systemd/system/b.service", "[Service]\nExecStart=-/bin/gone\nUser=nobody-here\n");
        image.write("usr/lib/systemd/system/c.service", "[Service]\nExecStart=/bin/a\n");
        image.write("bin/a", "");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(image.0.join("bin/a"), mode).unwrap();
        // A link to a place inside: outside it leads nowhere.
        symlink("/usr/lib/systemd/system/c.service", image.0.join("etc/systemd/system/alias.service")).unwrap();
        symlink("/dev/null", image.0.join("etc/systemd/system/masked.service")).unwrap();
        symlink("usr/lib", image.0.join("lib")).unwrap();
        image
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Standard output with the root as `ROOT`, and the exit status.
    fn run(&self, arguments: &[&str]) -> (String, i32) {
        let root = format!("--root={}", self.0.display());
        let output = Command::new(env!("CARGO_BIN_EXE_unit-parser"))
            .arg(root)
            .args(arguments)
            .env_remove("SYSTEMD_UNIT_PATH")
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        (out.replace(&self.0.display().to_string(), "ROOT"), output.status.code().unwrap())
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(Path::new(&self.0));
    }
}

#[test]
fn check_tells_what_is_wrong() {
    let image = Image::new("check");
    let (out, status) = image.run(&["check", "a.service"]);
    let expected = "\
warning[unknown-key]: unknown key Restrt= in [Service]
 --> ROOT/etc/systemd/system/a.service:5:1
  |
5 | Restrt=no
  | ^^^^^^
 = help: did you mean Restart=?

";
    assert_eq!((out.as_str(), status), (expected, 1));
    assert_eq!(image.run(&["check", "b.service"]), (String::new(), 0));
    let (out, status) = image.run(&["check", "--strict", "--json", "b.service"]);
    let seen: Vec<(String, String)> = out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|v| (v["class"].as_str().unwrap().to_owned(), v["code"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [("missing", "missing-program"), ("missing", "missing-user")];
    assert_eq!(seen, expected.map(|(class, code)| (class.to_owned(), code.to_owned())));
    assert_eq!(status, 1);
    assert_eq!(image.run(&["check", "none.service"]).1, 2);
    assert_eq!(image.run(&["check", "c.service", "masked.service"]), (String::new(), 0));
}

#[test]
fn where_tells_which_file_won() {
    let image = Image::new("where");
    let (out, status) = image.run(&["where", "a.service", "alias.service", "masked.service"]);
    let expected = "\
a.service
  unit file    ROOT/etc/systemd/system/a.service
    instead of ROOT/lib/systemd/system/a.service
  drop-in      ROOT/etc/systemd/system/a.service.d/10-x.conf

c.service
  also called  alias.service
  unit file    ROOT/lib/systemd/system/c.service
  name         ROOT/etc/systemd/system/alias.service -> /usr/lib/systemd/system/c.service

masked.service
  unit file    ROOT/etc/systemd/system/masked.service
";
    assert_eq!((out.as_str(), status), (expected, 0));
    let (out, _) = image.run(&["where"]);
    assert!(out.lines().any(|line| line == "ROOT/etc/systemd/system"), "{out}");
    assert!(out.lines().any(|line| line == "ROOT/run/systemd/system  (not there)"), "{out}");
}

#[test]
fn diff_tells_what_was_changed() {
    let image = Image::new("diff");
    let (out, status) = image.run(&["diff", "a.service", "c.service"]);
    let expected = "\
[OVERRIDDEN] ROOT/lib/systemd/system/a.service → ROOT/etc/systemd/system/a.service

--- ROOT/lib/systemd/system/a.service
+++ ROOT/etc/systemd/system/a.service
@@ -1,4 +1,5 @@
 [Unit]
-Description=old
+Description=new
 [Service]
 ExecStart=/bin/a
+Restrt=no

[EXTENDED]   ROOT/etc/systemd/system/a.service → ROOT/etc/systemd/system/a.service.d/10-x.conf

+[Service]
+Nice=5

[UNCHANGED]  c.service
";
    assert_eq!((out.as_str(), status), (expected, 0));
}

#[test]
fn cat_shows_files_below_the_root() {
    let image = Image::new("cat");
    let (out, status) = image.run(&["cat", "c.service"]);
    assert_eq!((out.as_str(), status), ("# ROOT/lib/systemd/system/c.service\n[Service]\nExecStart=/bin/a\n", 0));
}

#[test]
fn conditions_and_directives() {
    let image = Image::new("condition");
    let (out, status) = image.run(&["condition", "ConditionPathExists=/", "AssertPathExists=!/"]);
    let expected = "\
test.target: AssertPathExists=!/ failed.
Asserts failed.
test.target: ConditionPathExists=/ succeeded.
Conditions succeeded.
";
    assert_eq!((out.as_str(), status), (expected, 1));
    assert_eq!(image.run(&["condition", "Nothing=x"]).1, 2);
    let (out, status) = image.run(&["explain", "[Service]restartsec="]);
    assert!(out.starts_with("RestartSec=  [Service]\n") && out.contains("Default:  100ms"), "{out}");
    assert_eq!(status, 0);
    assert_eq!(image.run(&["explain", "Restrt"]).1, 2);
    // Every directive can be explained.
    for (_, row) in unit_parser::all_rows() {
        assert!(!row.kind.takes().is_empty(), "{}", row.name);
    }
}
