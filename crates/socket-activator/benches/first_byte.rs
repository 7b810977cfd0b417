//! From connect(2) to the first byte of a service that wasn't there before: `cargo bench -p socket-activator`.
//!
//! `socket-activator --listen` beside systemd-socket-activate, and with `--accept` beside s6-ipcserver too, in turns within
//! one run: what counts is the ratio. What isn't installed is left out. The service is this program.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Cold starts of each program.
const STARTS: usize = 200;
/// Connections to each program with `--accept`.
const CONNECTIONS: usize = 1_000;
/// Between saying that it listens and doing so.
const SETTLE: Duration = Duration::from_millis(3);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One of those that are compared.
struct Contestant {
    name: &'static str,
    program: PathBuf,
    /// The arguments before the command, given the socket's path.
    arguments: fn(&str) -> Vec<String>,
}

fn main() -> Outcome<()> {
    let verb = std::env::args().nth(1);
    match verb.as_deref() {
        Some("serve") => serve(),
        Some("answer") => Ok(std::io::stdout().write_all(b"!")?),
        Some("--bench") => compare(),
        // As a test there is nothing to find out.
        _ => Ok(()),
    }
}

/// The service that is passed a listening socket.
fn serve() -> Outcome<()> {
    let passed = sys::listen_fds().into_iter().next().ok_or("no socket")?;
    let (mut client, _) = UnixListener::from(passed.fd).accept()?;
    Ok(client.write_all(b"!")?)
}

fn compare() -> Outcome<()> {
    let directory = std::env::temp_dir().join(format!("first-byte-{}", std::process::id()));
    fs::create_dir(&directory)?;
    let done = cold(&directory).and_then(|()| accepting(&directory));
    fs::remove_dir_all(&directory)?;
    done
}

fn cold(directory: &Path) -> Outcome<()> {
    let listen = |path: &str| vec!["--listen".to_owned(), path.to_owned(), "--".to_owned()];
    let contestants = present([
        Contestant { name: "socket-activator", program: ours(), arguments: listen },
        Contestant { name: "systemd-socket-activate", program: "systemd-socket-activate".into(), arguments: listen },
    ]);
    let path = directory.join("cold");
    let mut times = vec![Vec::with_capacity(STARTS); contestants.len()];
    for _ in 0..STARTS {
        for (contestant, times) in contestants.iter().zip(&mut times) {
            let mut process = start(contestant, &path, "serve", "Listening")?;
            times.push(first_byte(&path)?);
            process.wait()?;
        }
    }
    report("the first connection", &contestants, times);
    Ok(())
}

fn accepting(directory: &Path) -> Outcome<()> {
    let accept = |path: &str| {
        let words = ["--listen", path, "--accept", "--inetd", "--"];
        words.map(str::to_owned).to_vec()
    };
    let contestants = present([
        Contestant { name: "socket-activator", program: ours(), arguments: accept },
        Contestant { name: "systemd-socket-activate", program: "systemd-socket-activate".into(), arguments: accept },
        Contestant {
            name: "s6-ipcserver",
            program: "s6-ipcserver".into(),
            arguments: |path| vec!["-1".to_owned(), path.to_owned()],
        },
    ]);
    let path = |contestant: &Contestant| directory.join(contestant.name);
    let processes: Outcome<Vec<Child>> = contestants
        .iter()
        .map(|contestant| {
            let sign = if contestant.name == "s6-ipcserver" { "" } else { "Listening" };
            start(contestant, &path(contestant), "answer", sign)
        })
        .collect();
    let mut processes = processes?;
    let mut times = vec![Vec::with_capacity(CONNECTIONS); contestants.len()];
    let mut measure = || -> Outcome<()> {
        for _ in 0..CONNECTIONS {
            for (contestant, times) in contestants.iter().zip(&mut times) {
                times.push(first_byte(&path(contestant))?);
            }
        }
        Ok(())
    };
    let measured = measure();
    for process in &mut processes {
        process.kill()?;
        process.wait()?;
    }
    measured?;
    report("each connection with --accept", &contestants, times);
    Ok(())
}

fn ours() -> PathBuf {
    env!("CARGO_BIN_EXE_socket-activator").into()
}

fn present<const N: usize>(contestants: [Contestant; N]) -> Vec<Contestant> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |program: &Path| std::env::split_paths(&path).any(|directory| directory.join(program).exists());
    contestants.into_iter().filter(|contestant| there(&contestant.program)).collect()
}

/// Starts it, and waits until it listens: by a line with that sign on its standard error, or without one by an empty line
/// on its standard output (`s6-ipcserver -1`).
fn start(contestant: &Contestant, path: &Path, verb: &str, sign: &str) -> Outcome<Child> {
    let _ = fs::remove_file(path);
    let mut command = Command::new(&contestant.program);
    command.args((contestant.arguments)(&path.to_string_lossy())).arg(std::env::current_exe()?).arg(verb);
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut line = String::new();
    match (process.stdout.take(), process.stderr.take()) {
        (Some(stdout), _) if sign.is_empty() => drop(BufReader::new(stdout).read_line(&mut line)?),
        (_, Some(stderr)) => {
            let mut stderr = BufReader::new(stderr);
            while stderr.read_line(&mut line)? > 0 && !line.contains(sign) {}
            // What else it says must not stop it.
            std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        }
        (_, None) => {}
    }
    std::thread::sleep(SETTLE);
    Ok(process)
}

fn first_byte(path: &Path) -> Outcome<Duration> {
    let began = Instant::now();
    let mut connection = UnixStream::connect(path)?;
    let mut byte = [0];
    connection.read_exact(&mut byte)?;
    Ok(began.elapsed())
}

fn report(what: &str, contestants: &[Contestant], times: Vec<Vec<Duration>>) {
    println!("From connect(2) to the first byte, {what}:");
    let mut first = None;
    for (contestant, mut times) in contestants.iter().zip(times) {
        times.sort();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default().as_secs_f64() * 1e6;
        let (median, late) = (at(50), at(90));
        let ratio = median / *first.get_or_insert(median);
        println!("  {:24} median {median:7.0} µs   nine of ten below {late:7.0} µs   × {ratio:.2}", contestant.name);
    }
}
