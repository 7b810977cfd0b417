//! Why something happens: carried by every request, job and state change, for `unitctl why` and the log.

use serde::{Deserialize, Serialize};

/// The root of a causal chain, or the step that led from one unit to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A D-Bus client asked.
    Client {
        /// The driver's number for the connection; [`super::event::Event::ClientGone`] uses it again.
        client: u64,
        /// "systemctl start foo.service (pid 42, uid 0)", or what is known of the client.
        text: String,
    },
    /// The manager itself: boot, shutdown.
    Manager(String),
    /// A worker reported a state change; its own words.
    Worker(String),
    /// A device appeared, changed or went away.
    Device(String),
    /// Traffic on a socket.
    Traffic(String),
    /// `Restart=` of the unit itself.
    AutoRestart,
    /// Some property of the graph, said in a sentence ("StopWhenUnneeded=, nobody needs it").
    Rule(String),
    /// An earlier entry of the causal chain, by its sequence number, and the edge that led on.
    Entry {
        /// `WhyEntry::sequence`.
        sequence: u64,
        /// What led from there to here ("Requires= of foo.service").
        text: String,
        /// Where the edge is written, or empty.
        source: String,
    },
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Client { text, .. }
            | Cause::Manager(text)
            | Cause::Worker(text)
            | Cause::Device(text)
            | Cause::Traffic(text)
            | Cause::Rule(text)
            | Cause::Entry { text, .. } => f.write_str(text),
            Cause::AutoRestart => f.write_str("automatic restart (Restart=)"),
        }
    }
}
