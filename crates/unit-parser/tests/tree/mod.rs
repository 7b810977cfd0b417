//! A tree of many units with drop-ins, aliases and dependency links, like that of a large machine.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use unit_parser::{Host, LoadPath, Loader, Mode};

/// Units and drop-ins in a directory of their own, gone when dropped.
pub struct Tree {
    /// The directory.
    pub root: PathBuf,
}

impl Tree {
    /// So many units: services for the most part, every second one with a drop-in.
    pub fn new(count: usize) -> Tree {
        let root = std::env::temp_dir().join(format!("units-{}-{count}", std::process::id()));
        let (lib, etc) = (root.join("lib"), root.join("etc"));
        fs::create_dir_all(&lib).unwrap();
        fs::create_dir_all(etc.join("multi-user.target.wants")).unwrap();
        for number in 0..count {
            let name = unit_name(number);
            let mut text = format!(
                "[Unit]\nDescription=Unit number {number}\nDocumentation=man:unit({number})\n\
                 After=network.target unit-{}.service\nWants=unit-{}.service\n",
                number / 2,
                number / 3
            );
            match number % 10 {
                7 => text.push_str("[Timer]\nOnCalendar=*-*-* 3:00\nPersistent=yes\n"),
                8 => {
                    let _ = write!(text, "[Socket]\nListenStream=/run/unit-{number}.sock\nSocketMode=0660\n");
                }
                _ => {
                    let _ = write!(
                        text,
                        "[Service]\nExecStart=/usr/sbin/daemon --number {number} $OPTIONS\nExecReload=/bin/kill -HUP $MAINPID\n\
                         EnvironmentFile=-/etc/default/daemon\nUser=daemon\nRestart=on-failure\nRestartSec=5\n\
                         NoNewPrivileges=yes\nProtectSystem=strict\nPrivateTmp=yes\nLimitNOFILE=4096\n\
                         CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n[Install]\nWantedBy=multi-user.target\n"
                    );
                }
            }
            fs::write(lib.join(&name), text).unwrap();
            if number % 2 == 0 {
                let dir = etc.join(format!("{name}.d"));
                fs::create_dir(&dir).unwrap();
                fs::write(dir.join("10-local.conf"), "[Unit]\nStartLimitBurst=9\n[Service]\nNice=5\n").unwrap();
            }
            if number % 5 == 0 {
                symlink(lib.join(&name), etc.join("multi-user.target.wants").join(&name)).unwrap();
            }
        }
        Tree { root }
    }

    /// A loader of these units.
    pub fn loader(&self) -> Loader {
        let path = LoadPath { dirs: vec![self.root.join("etc"), self.root.join("lib")] };
        Loader::new(path, Mode::System, Host::default())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn unit_name(number: usize) -> String {
    let suffix = match number % 10 {
        7 => "timer",
        8 => "socket",
        _ => "service",
    };
    format!("unit-{number}.{suffix}")
}
