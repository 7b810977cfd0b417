//! `socket-activator --listen`, as systemd-socket-activate(1).

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The command, killed at the end of the test.
struct Activator(Child);

impl Activator {
    fn start(args: &[&str]) -> Activator {
        let program = env!("CARGO_BIN_EXE_socket-activator");
        let child = Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        Activator(child.unwrap())
    }
}

impl Drop for Activator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connects as soon as somebody listens.
fn connect(address: SocketAddr) -> TcpStream {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return stream,
            Err(error) if Instant::now() > until => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

#[test]
fn becomes_the_command_with_the_first_connection() {
    let address = common::free_address();
    let script = "echo $$ $LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES $A";
    let mut activator = Activator::start(&[
        "--listen",
        &address.to_string(),
        "--listen",
        &format!("@socket-activator-test-{}", address.port()),
        "--fdname",
        "tcp:local",
        "-E",
        "A=b",
        "--",
        "/bin/sh",
        "-c",
        script,
    ]);
    let pid = activator.0.id();
    drop(connect(address));
    let mut text = String::new();
    activator.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, format!("{pid} {pid} 2 tcp:local b\n"));
}

#[test]
fn what_was_open_at_the_start_is_not_passed_on() {
    for accept in ["", "--accept"] {
        let address = common::free_address();
        let line = format!("exec \"$0\" -l {address} {accept} -- /bin/sh -c 'ls /proc/$$/fd/9 2>&1' 9</dev/null");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &line, env!("CARGO_BIN_EXE_socket-activator")]).stdout(Stdio::piped());
        let mut activator = Activator(shell.spawn().unwrap());
        let _client = connect(address);
        let mut text = String::new();
        BufReader::new(activator.0.stdout.take().unwrap()).read_line(&mut text).unwrap();
        assert!(text.contains("No such file"), "{text}");
    }
}

#[test]
fn one_command_for_each_connection() {
    let address = common::free_address();
    let _activator = Activator::start(&["-l", &address.port().to_string(), "-a", "--inetd", "cat"]);
    let mut clients: Vec<TcpStream> = (0..20).map(|_| connect(address)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(number.to_string().as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, number.to_string());
    }
}

#[test]
fn what_cannot_work_is_said() {
    for (args, complaint) in [
        (&["-l", "99999", "cat"][..], "Failed to parse address '99999'"),
        (&["-l", "@x", "no-such-program"], "Failed to find no-such-program"),
        (&["-l", "@x", "-a", "-d", "cat"], "do not go together"),
        (&["-l", "@x"], "No command to start"),
        (&["-l", "/dev/null/x", "cat"], "Not a directory"),
        (&["-l", "@x", "-E", "=x", "cat"], "Cannot assign environment variable =x"),
        (&["-l", "@x", "--no-such-option", "--", "cat"], "unrecognized option '--no-such-option'"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_socket-activator")).args(args).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(complaint), "{args:?}: {text}");
    }
}
