//! One unit as the engine keeps it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unit_parser::{LoadState, Unit, UnitName};

use super::dependencies::Dependencies;
use super::settings::Settings;
use crate::core::api::event::{DeviceState, ExitInfo, Invocation};
use crate::core::api::types::{ActiveState, Markers};
use crate::core::api::view::{ConditionView, Stamps};
use crate::core::cycles::Chain;
use crate::core::jobs::JobId;
use crate::core::ratelimit::RateLimit;

/// A unit's place in the graph. Places of removed units are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::core) struct UnitId(pub u32);

/// What only devices have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::core) struct DeviceInfo {
    pub state: DeviceState,
    pub following: Option<UnitName>,
    pub sysfs_path: String,
    pub description: String,
    pub wants: Vec<UnitName>,
}

/// What a unit was when its worker was told something that it hasn't reacted to yet. Its state is assumed to have
/// changed at once (systemd's own units do), and reports of the old one are late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::core) struct Commanded {
    pub active: ActiveState,
    pub sub: Cow<'static, str>,
}

/// What a socket's trigger brought for the next start of its service. Stays until the start's job has ended: a start that got
/// lost is sent again with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingTrigger {
    /// Variables of that start.
    pub environment: Vec<String>,
    /// The trigger that brings an accepted connection.
    pub connection: Option<u64>,
}

/// One unit.
#[derive(Debug, Clone)]
pub(in crate::core) struct Record {
    pub name: UnitName,
    /// Further names.
    pub aliases: BTreeSet<UnitName>,
    pub definition: Arc<Unit>,
    pub load_state: LoadState,
    pub settings: Settings,
    /// Dependencies in both directions, as all units together say.
    pub dependencies: Dependencies,

    pub active: ActiveState,
    pub sub: Cow<'static, str>,
    pub result: Cow<'static, str>,
    pub stamps: Stamps,
    pub conditions: ConditionView,
    pub asserts: ConditionView,
    pub invocation: Invocation,
    pub exit: ExitInfo,
    pub device: Option<Box<DeviceInfo>>,
    pub trigger: Option<Box<PendingTrigger>>,
    /// The socket whose connection this instance was started for.
    pub accepted_by: Option<UnitName>,
    pub commanded: Option<Box<Commanded>>,
    /// The state is a failure that only the engine knows (start limit).
    pub own_failure: bool,

    pub job: Option<JobId>,
    pub nop_job: Option<JobId>,
    pub markers: Markers,
    pub starts: RateLimit,
    pub start_limit_hit: bool,
    /// Its start failed only because a dependency's did, and is to be tried again (`X-RetryAfterDependency=`).
    pub retries: bool,
    /// Against loops of StopWhenUnneeded=, BindsTo= and Upholds=.
    pub auto_limit: RateLimit,
    /// Against units that are each other's OnFailure= and fail without ever starting.
    pub handlers: RateLimit,
    /// Clients that hold it (`RefUnit`).
    pub clients: BTreeSet<u64>,
    pub perpetual: bool,
    pub transient: bool,
    pub why: Chain,
}

impl Record {
    /// A unit that hasn't been loaded yet.
    pub fn stub(name: UnitName) -> Record {
        let definition = Unit::new(name.clone());
        Record {
            settings: Settings::of(&definition, (0, 0), u64::MAX),
            sub: Cow::Borrowed("dead"),
            name,
            aliases: BTreeSet::new(),
            definition: Arc::new(definition),
            load_state: LoadState::Stub,
            dependencies: Dependencies::default(),
            active: ActiveState::Inactive,
            result: Cow::Borrowed("success"),
            stamps: Stamps::default(),
            conditions: ConditionView::default(),
            asserts: ConditionView::default(),
            invocation: Invocation::default(),
            exit: ExitInfo::default(),
            device: None,
            trigger: None,
            accepted_by: None,
            commanded: None,
            own_failure: false,
            job: None,
            nop_job: None,
            markers: Markers::default(),
            starts: RateLimit::default(),
            start_limit_hit: false,
            retries: false,
            auto_limit: RateLimit::default(),
            handlers: RateLimit::default(),
            clients: BTreeSet::new(),
            perpetual: false,
            transient: false,
            why: Chain::default(),
        }
    }
}
