//! `device-watcher replay FILE`: a recorded event stream into the running daemon.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use bus_api::connect::Peer;
use bus_api::devices::Request;
use daemon_runtime::args::CommonArgs;

use super::recording::parse;
use crate::cli::Failure;

/// How long the daemon may be away (it may just be restarting).
const PATIENCE: Duration = Duration::from_secs(10);

/// Injects every event of the file; returns once the daemon has handled the last one.
///
/// # Errors
/// When the file has a bad line (nothing after it is sent), or the daemon isn't there or refuses.
pub fn main(common: &CommonArgs, file: &Path, no_wait: bool) -> Result<(), Failure> {
    let name = file.display().to_string();
    let input: Box<dyn BufRead> = if name == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file).map_err(|error| Failure::about(&name, error))?))
    };
    let socket = common.runtime().bus("device-watcher");
    daemon_runtime::run(async {
        let connected = Peer::connect(&socket, PATIENCE).await;
        let (peer, _events) = connected.map_err(|error| Failure::about(socket.display(), error))?;
        for (index, line) in input.lines().enumerate() {
            let at = format!("{name}:{}", index + 1);
            let Some(recorded) = parse(&line?).map_err(|error| Failure::about(&at, error))? else { continue };
            if !no_wait {
                tokio::time::sleep(Duration::from_millis(recorded.after_ms)).await;
            }
            let event = serde_json::to_string(&recorded.event).map_err(|error| Failure::about(&at, error))?;
            let call = Request::Inject { event }.message().map_err(|error| Failure::about(&at, error))?;
            peer.call(call).await.map_err(|error| Failure::about(&at, error))?;
        }
        Ok(())
    })?
}
