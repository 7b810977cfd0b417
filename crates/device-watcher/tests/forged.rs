//! Netlink messages that neither udev nor the kernel sent change nothing: whoever sends them is no authority.
//!
//! The sender here is the test itself: a message to the watcher's own address.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, sendto, socket};

struct Watcher {
    child: Child,
    dir: PathBuf,
}

impl Watcher {
    fn start(source: &str) -> Watcher {
        let dir = std::env::temp_dir().join(format!("quintet-forged-{source}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("device-watcher.toml"), format!("source = \"{source}\"\n")).unwrap();
        let child = Watcher::command(&dir, &["--log-level", "debug"]).stdout(Stdio::null()).spawn().unwrap();
        let watcher = Watcher { child, dir };
        let end = Instant::now() + Duration::from_secs(20);
        while watcher.netlink_port().is_none() || !watcher.dir.join("run/device-watcher.bus").exists() {
            assert!(Instant::now() < end, "the watcher listens");
            std::thread::sleep(Duration::from_millis(20));
        }
        watcher
    }

    fn command(dir: &std::path::Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_device-watcher"));
        command.arg("--user").arg("--runtime-dir").arg(dir.join("run"));
        command.arg("--config").arg(dir.join("device-watcher.toml")).args(arguments);
        command
    }

    /// The address of its socket for device events: as a rule its PID, and always what the kernel's table says of its
    /// socket's inode.
    fn netlink_port(&self) -> Option<u32> {
        let fds = fs::read_dir(format!("/proc/{}/fd", self.child.id())).ok()?;
        let links: Vec<String> = fds
            .flatten()
            .filter_map(|fd| Some(fs::read_link(fd.path()).ok()?.to_string_lossy().into_owned()))
            .collect();
        let table = fs::read_to_string("/proc/self/net/netlink").ok()?;
        table.lines().find_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let ours = links.contains(&format!("socket:[{}]", columns.last()?));
            (ours && columns.get(1) == Some(&"15")).then(|| columns.get(2)?.parse().ok())?
        })
    }

    fn list(&self) -> String {
        let output = Watcher::command(&self.dir, &["list", "--json"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

const PROPERTIES: &str = "ACTION=add\0DEVPATH=/devices/virtual/net/forged0\0SUBSYSTEM=net\0INTERFACE=forged0\0SEQNUM=99999\0\
     TAGS=:systemd:\0CURRENT_TAGS=:systemd:\0SYSTEMD_WANTS=evil.service\0";

/// As the kernel writes it.
fn as_kernel() -> Vec<u8> {
    format!("add@/devices/virtual/net/forged0\0{PROPERTIES}").into_bytes()
}

/// As udev writes it, with the header that libudev looks for and no filter that could leave it out.
fn as_udev() -> Vec<u8> {
    let mut message = b"libudev\0".to_vec();
    message.extend(0xfeed_cafe_u32.to_be_bytes());
    for number in [40u32, 40, u32::try_from(PROPERTIES.len()).unwrap()] {
        message.extend(number.to_ne_bytes());
    }
    // Hashes of subsystem and type, and a filter of tags in which every tag is.
    message.extend([0; 8]);
    message.extend([0xff; 8]);
    message.extend(PROPERTIES.as_bytes());
    message
}

#[test]
fn a_forged_message_changes_nothing() {
    if !std::path::Path::new("/proc/self/net/netlink").exists() {
        return eprintln!("skipped: no netlink here");
    }
    let kind = (SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkKObjectUEvent);
    for (source, message) in [("udev", as_udev()), ("kernel", as_kernel())] {
        let watcher = Watcher::start(source);
        let port = watcher.netlink_port().unwrap();
        let before = watcher.list();
        let socket = socket(AddressFamily::Netlink, SockType::Raw, kind.0, kind.1).unwrap();
        for _ in 0..100 {
            let sent = sendto(socket.as_raw_fd(), &message, &NetlinkAddr::new(port, 0), MsgFlags::empty());
            // Root may send; from others the kernel takes nothing that is for another process.
            assert!(matches!(sent, Ok(_) | Err(Errno::EPERM)), "{sent:?}");
        }
        // List() comes after what was in the socket before: the loop takes turns. Twice, to be sure of it.
        let _ = watcher.list();
        std::thread::sleep(Duration::from_millis(300));
        let after = watcher.list();
        assert!(!after.contains("forged0"), "{source}: {after}");
        assert_eq!(before.contains("forged"), after.contains("forged"));
    }
}
