//! `--replay FILE`: events from a recording or a FIFO, read on a thread of its own since neither can be polled.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::command::recording::parse;
use crate::core::event::DeviceEvent;

/// The reading end.
pub struct Feed(Receiver<DeviceEvent>);

impl Feed {
    /// Starts to read. What is wrong with the file goes to the log.
    pub fn start(path: &Path) -> Feed {
        let (sender, receiver) = channel(64);
        let path = path.to_owned();
        thread::spawn(move || read(&path, &sender));
        Feed(receiver)
    }

    /// The next event, in its time; `None` at the end.
    pub async fn next(&mut self) -> Option<DeviceEvent> {
        self.0.recv().await
    }
}

fn read(path: &Path, events: &Sender<DeviceEvent>) {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return tracing::error!("{}: {error}", path.display()),
    };
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let parsed = line.map_err(|error| error.to_string()).and_then(|line| parse(&line));
        match parsed {
            Ok(None) => {}
            Ok(Some(recorded)) => {
                thread::sleep(Duration::from_millis(recorded.after_ms));
                if events.blocking_send(recorded.event).is_err() {
                    return;
                }
            }
            Err(error) => tracing::error!("{}:{}: {error}", path.display(), index + 1),
        }
    }
}
