//! A connection to the broker, and the calls of org.freedesktop.systemd1(5) that the verbs need.

use std::io;
use std::path::Path;
use std::time::Duration;

use bus_api::connect::{CallError, Peer, PeerEvent, PeerEvents};
use bus_api::errors::ErrorName;
use bus_api::message::{arguments, call_on, is_signal_of, member};
use serde::{Deserialize, Serialize};
use unit_parser::{Mode, UnitName};
use zbus::{DynamicType, Message, OwnedObjectPath, Type};

use crate::properties::Properties;

/// Path of the manager object.
const PATH: &str = "/org/freedesktop/systemd1";
/// Its interface.
const INTERFACE: &str = "org.freedesktop.systemd1.Manager";
/// How long the broker may take to be reached: the launcher holds its socket while it restarts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a verb has no result.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    /// The broker's error, in its words.
    #[error("{}", words(.0))]
    Call(#[from] CallError),
    /// A reply of another shape than documented.
    #[error("the broker's reply is not understood: {0}")]
    Reply(String),
    /// Arguments that cannot be sent.
    #[error("{0}")]
    Arguments(String),
}

/// People want the text; the D-Bus name is for programs.
fn words(error: &CallError) -> String {
    match error {
        CallError::Remote { text, .. } if !text.is_empty() => text.clone(),
        CallError::Remote { name, .. } => name.clone(),
        CallError::Away | CallError::Unsendable(_) => error.to_string(),
    }
}

impl ManagerError {
    /// Whether the broker answered with this error.
    pub fn is(&self, name: ErrorName) -> bool {
        matches!(self, ManagerError::Call(error) if error.name() == Some(name))
    }

    /// systemctl's exit status for this error (LSB numbers, systemctl(1) "Exit status").
    pub fn exit_code(&self) -> u8 {
        let ManagerError::Call(error) = self else { return 1 };
        exit_code(error.name())
    }
}

/// systemctl's exit status for a D-Bus error.
pub fn exit_code(error: Option<ErrorName>) -> u8 {
    match error {
        Some(ErrorName::NoSuchUnit) => 5,
        Some(
            ErrorName::AccessDenied
            | ErrorName::OnlyByDependency
            | ErrorName::NoIsolation
            | ErrorName::TransactionIsDestructive,
        ) => 4,
        Some(ErrorName::JobTypeNotApplicable | ErrorName::NotSupported) => 3,
        Some(ErrorName::LoadFailed) => 6,
        Some(_) | None => 1,
    }
}

/// One row of ListUnits.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct UnitRow {
    /// Id.
    pub name: String,
    /// Description.
    pub description: String,
    /// LoadState.
    pub load: String,
    /// ActiveState.
    pub active: String,
    /// SubState.
    pub sub: String,
    /// Following.
    pub following: String,
    /// Object path.
    pub path: OwnedObjectPath,
    /// Job id, 0 for none.
    pub job: u32,
    /// Job type.
    pub job_type: String,
    /// Job object path.
    pub job_path: OwnedObjectPath,
}

/// One row of ListJobs.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct JobRow {
    /// Job id.
    pub id: u32,
    /// Unit name.
    pub unit: String,
    /// Job type.
    pub job_type: String,
    /// `waiting` or `running`.
    pub state: String,
    /// Object path of the job.
    pub path: OwnedObjectPath,
    /// Object path of the unit.
    pub unit_path: OwnedObjectPath,
}

/// The broker.
pub struct Manager {
    peer: Peer,
    events: PeerEvents,
    mode: Mode,
}

impl Manager {
    /// Connects to the broker's private socket.
    ///
    /// # Errors
    /// When nobody serves there.
    pub async fn connect(path: &Path, mode: Mode) -> io::Result<Self> {
        let (peer, events) = Peer::connect(path, CONNECT_TIMEOUT).await?;
        Ok(Self { peer, events, mode })
    }

    /// Whose units these are.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Sends any message and waits for its answer.
    pub async fn send(&self, message: Message) -> Result<Message, ManagerError> {
        Ok(self.peer.call(message).await?)
    }

    /// Calls a method of the manager.
    pub async fn call<B: Serialize + DynamicType>(&self, method: &str, body: &B) -> Result<Message, ManagerError> {
        self.call_on(PATH, INTERFACE, method, body).await
    }

    /// Calls a method whose reply is one value.
    pub async fn ask<B, T>(&self, method: &str, body: &B) -> Result<T, ManagerError>
    where
        B: Serialize + DynamicType,
        T: for<'a> Deserialize<'a> + Type,
        (T,): for<'a> zbus::wire::DynamicDeserialize<'a>,
    {
        let reply = self.call(method, body).await?;
        arguments::<(T,)>(&reply).map(|(value,)| value).map_err(|error| ManagerError::Reply(error.text))
    }

    /// Calls a method of any object.
    pub async fn call_on<B: Serialize + DynamicType>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, ManagerError> {
        let message =
            call_on(path, interface, method, body).map_err(|error| ManagerError::Arguments(error.to_string()))?;
        self.send(message).await
    }

    /// Every property of an object; of the manager for `None`.
    pub async fn properties(&self, path: Option<&str>) -> Result<Properties, ManagerError> {
        let path = path.unwrap_or(PATH);
        let reply = self.call_on(path, "org.freedesktop.DBus.Properties", "GetAll", &("",)).await?;
        arguments::<(Properties,)>(&reply).map(|(all,)| all).map_err(|error| ManagerError::Reply(error.text))
    }

    /// Loads a unit if necessary; its properties, of all its interfaces.
    pub async fn unit(&self, unit: &UnitName) -> Result<Properties, ManagerError> {
        self.properties(Some(&unit.bus_path())).await
    }

    /// The loaded units that match any of these patterns.
    pub async fn matching(&self, patterns: &[String]) -> Result<Vec<UnitRow>, ManagerError> {
        self.ask("ListUnitsByPatterns", &(Vec::<String>::new(), patterns)).await
    }

    /// Waits until a job ends; its result (`done`, `failed`, ...).
    pub async fn job_result(&mut self, job: &OwnedObjectPath) -> Result<String, ManagerError> {
        while let Some(event) = self.events.recv().await {
            match event {
                PeerEvent::Signal(signal) if is_signal_of(&signal, INTERFACE) && member(&signal) == "JobRemoved" => {
                    let (_, path, _, result) = arguments::<(u32, OwnedObjectPath, String, String)>(&signal)
                        .map_err(|error| ManagerError::Reply(error.text))?;
                    if path == *job {
                        return Ok(result);
                    }
                }
                PeerEvent::Away { .. } => return Err(CallError::Away.into()),
                PeerEvent::Back | PeerEvent::Signal(_) | PeerEvent::Reply { .. } | PeerEvent::Call(_) => {}
            }
        }
        Err(CallError::Away.into())
    }
}
