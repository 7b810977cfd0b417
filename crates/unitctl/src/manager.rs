//! A connection to the broker, and the calls of org.freedesktop.systemd1(5) that the verbs need.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use bus_api::connect::{CallError, Peer, PeerEvent, PeerEvents};
use bus_api::message::{arguments, call_on, is_signal_of, member};
use serde::{Deserialize, Serialize};
use zbus::{DynamicType, Message, OwnedObjectPath, OwnedVariant, Type};

/// Path of the manager object.
const PATH: &str = "/org/freedesktop/systemd1";
/// Its interface.
const INTERFACE: &str = "org.freedesktop.systemd1.Manager";
/// How long the broker may take to be reached: the launcher holds its socket while it restarts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Properties by name, in the order of the reply's names.
pub type Properties = BTreeMap<String, OwnedVariant>;

/// Why a verb has no result.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    /// The broker's error, in its words.
    #[error("{0}")]
    Call(#[from] CallError),
    /// A reply of another shape than documented.
    #[error("the broker's reply is not understood: {0}")]
    Reply(String),
    /// Arguments that cannot be sent.
    #[error("{0}")]
    Arguments(String),
}

impl ManagerError {
    /// systemctl's exit status for this error (LSB numbers, systemctl(1) "Exit status").
    pub fn exit_code(&self) -> u8 {
        let ManagerError::Call(CallError::Remote { name, .. }) = self else { return 1 };
        match name.strip_prefix("org.freedesktop.systemd1.") {
            Some("NoSuchUnit") => 5,
            Some("OnlyByDependency" | "NoIsolation" | "TransactionIsDestructive") => 4,
            Some("JobTypeNotApplicable") => 3,
            Some("LoadFailed") => 6,
            _ if name == "org.freedesktop.DBus.Error.AccessDenied" => 4,
            _ if name == "org.freedesktop.DBus.Error.NotSupported" => 3,
            _ => 1,
        }
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
}

impl Manager {
    /// Connects to the broker's private socket.
    ///
    /// # Errors
    /// When nobody serves there.
    pub async fn connect(path: &Path) -> io::Result<Self> {
        let (peer, events) = Peer::connect(path, CONNECT_TIMEOUT).await?;
        Ok(Self { peer, events })
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

    /// Loads a unit and returns its object path.
    pub async fn load_unit(&self, unit: &str) -> Result<OwnedObjectPath, ManagerError> {
        self.ask("LoadUnit", &(unit,)).await
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
