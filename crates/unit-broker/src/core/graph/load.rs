//! Loading: a unit's files become a record and edges, and what it mentions is loaded too.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use unit_parser::{DependencyKind, Edge, LoadState, Rule, Source, Unit, UnitName, UnitType, rows};

use super::atom::Atom;
use super::record::{Record, UnitId};
use super::settings::Settings;
use crate::core::api::action::Action;
use crate::core::api::types::ActiveState;
use crate::core::api::view::Stamps;
use crate::core::engine::{Cx, Engine};
use crate::core::kinds;

impl Engine {
    /// The unit of this name, loaded now if it wasn't.
    pub(in crate::core) fn load(&mut self, cx: &mut Cx, name: &UnitName) -> UnitId {
        if let Some(id) = self.graph.find(name) {
            return id;
        }
        let id = self.graph.insert_stub(name.clone());
        self.load_queue(cx, VecDeque::from([id]));
        // Loading may have found the name to be an alias.
        self.graph.find(name).unwrap_or(id)
    }

    /// Loads these and all that they mention.
    fn load_queue(&mut self, cx: &mut Cx, mut queue: VecDeque<UnitId>) {
        let mut loaded = Vec::new();
        while let Some(id) = queue.pop_front() {
            if !self.graph.contains(id) || self.graph[id].load_state != LoadState::Stub {
                continue;
            }
            let unit = cx.world.load(&self.graph[id].name);
            if let Some(id) = self.adopt(cx, id, unit, &mut queue) {
                loaded.push(id);
            }
        }
        self.graph.sweep();
        for id in loaded {
            if !self.graph.contains(id) {
                continue;
            }
            self.derive(cx, id);
            self.graph[id].dependencies.sweep();
            let past = self.trail.take(&self.graph[id].name);
            if self.graph[id].why.entries.is_empty() {
                self.graph[id].why = past;
            }
            self.actions.push(Action::UnitNew(self.graph[id].name.clone()));
            self.gc.insert(id);
        }
    }

    /// Takes over a definition. `None`: the place was merged into a unit that exists already.
    fn adopt(&mut self, cx: &mut Cx, id: UnitId, mut unit: Unit, queue: &mut VecDeque<UnitId>) -> Option<UnitId> {
        let asked = self.graph[id].name.clone();
        if unit.name != asked {
            if let Some(existing) = self.graph.find(&unit.name).filter(|existing| *existing != id) {
                self.merge(id, existing);
                return None;
            }
            self.graph.bind_name(unit.name.clone(), id);
            let record = &mut self.graph[id];
            record.name = unit.name.clone();
            record.aliases.insert(asked);
        }
        for alias in &unit.aliases {
            match self.graph.find(alias) {
                Some(other) if other == id => {}
                Some(other) => {
                    if !self.merge(other, id) {
                        continue;
                    }
                }
                None => self.graph.bind_name(alias.clone(), id),
            }
            if *alias != unit.name {
                self.graph[id].aliases.insert(alias.clone());
            }
        }
        if unit.load_state == LoadState::NotFound && kinds::needs_no_file(&unit.name) {
            unit.load_state = LoadState::Loaded;
        }
        let (start_limit, device_timeout) = (self.options.start_limit, self.options.device_timeout);
        let edges = cx.world.dependencies(&unit);
        let record = &mut self.graph[id];
        record.load_state = unit.load_state;
        record.settings = Settings::of(&unit, start_limit, device_timeout);
        record.definition = Arc::new(unit);
        if kinds::is_perpetual(&record.name, self.options.user) {
            if !record.perpetual {
                let at = cx.now;
                record.stamps = Stamps { state_change: at, inactive_exit: at, active_enter: at, ..record.stamps };
            }
            record.perpetual = true;
            record.active = ActiveState::Active;
            record.sub = kinds::active_sub(record.name.unit_type()).into();
        }
        for edge in edges {
            self.connect(id, edge, queue);
        }
        let wants = self.graph[id].device.as_ref().map(|device| device.wants.clone()).unwrap_or_default();
        for other in wants {
            self.connect(id, device_want(other), queue);
        }
        if let Some(socket) = self.graph[id].accepted_by.clone() {
            self.connect_accepted(id, &socket, queue);
        }
        Some(id)
    }

    /// Of an instance that was started for a connection. Said by the service, so that the socket doesn't keep the ended
    /// ones loaded.
    fn connect_accepted(&mut self, service: UnitId, socket: &UnitName, queue: &mut VecDeque<UnitId>) {
        for kind in [DependencyKind::After, DependencyKind::TriggeredBy] {
            let source = Source::Implicit(Rule::ConnectionOfSocket);
            self.connect(service, Edge { kind, other: socket.clone(), source }, queue);
        }
    }

    /// The unit is an instance for a connection of that socket from now on, whatever is reloaded or restarted.
    pub(in crate::core) fn accepted_by(&mut self, cx: &mut Cx, service: UnitId, socket: UnitName) {
        let mut queue = VecDeque::new();
        self.connect_accepted(service, &socket, &mut queue);
        self.graph[service].accepted_by = Some(socket);
        self.load_queue(cx, queue);
    }

    fn connect(&mut self, id: UnitId, edge: Edge, queue: &mut VecDeque<UnitId>) {
        let other = match self.graph.find(&edge.other) {
            Some(other) => other,
            None => {
                let other = self.graph.insert_stub(edge.other.clone());
                queue.push_back(other);
                other
            }
        };
        self.graph.connect(id, edge.kind, edge.source, other);
    }

    /// Makes `from`, a name without a life of its own, another name of `to`.
    fn merge(&mut self, from: UnitId, to: UnitId) -> bool {
        let record = &self.graph[from];
        if record.job.is_some() || record.nop_job.is_some() || !record.active.is_down() || record.perpetual {
            return false;
        }
        let was_known = record.load_state != LoadState::Stub;
        self.graph.disconnect(from);
        self.graph.redirect(from, to);
        self.forget_place(from);
        let Some(record) = self.graph.remove(from) else { return false };
        let Record { name, aliases, clients, .. } = *record;
        if was_known {
            self.actions.push(Action::UnitRemoved(name.clone()));
        }
        for name in aliases.into_iter().chain([name]) {
            self.graph.bind_name(name.clone(), to);
            self.graph[to].aliases.insert(name);
        }
        self.graph[to].clients.extend(clients);
        true
    }

    /// What follows from several units together: a target comes after what it pulls in
    /// (systemd.target(5), "Default Dependencies"), and a unit after the mounts that hold its paths.
    fn derive(&mut self, cx: &mut Cx, id: UnitId) {
        for other in self.graph.with_atom(id, Atom::TargetAfter).map(|(_, other)| other).collect::<Vec<_>>() {
            self.order_target(id, other);
        }
        for kind in Atom::TargetAfter.kinds() {
            for target in self.graph.of_kind(id, kind.inverse()).collect::<Vec<_>>() {
                self.order_target(target, id);
            }
        }
        self.order_mounts(cx, id);
    }

    /// Takes back what followed from this unit and another together, where the other says so.
    fn forget_derived(&mut self, id: UnitId) {
        let mut others: Vec<UnitId> = self.graph.mentioned_by(id).collect();
        others.dedup();
        for other in others {
            self.graph.disconnect_if(other, |dependency| {
                let derived = [Source::Default(Rule::TargetAfterUnit), Source::Implicit(Rule::MountsFor)];
                dependency.other == id && dependency.here.is_some_and(|source| derived.contains(&source))
            });
        }
    }

    fn order_target(&mut self, target: UnitId, unit: UnitId) {
        let (above, below) = (&self.graph[target], &self.graph[unit]);
        let applies = above.name.unit_type() == UnitType::Target
            && [above, below].iter().all(|r| r.load_state == LoadState::Loaded && r.settings.default_dependencies)
            && !self.graph.has(target, DependencyKind::Before, unit)
            && !self.graph.has(target, DependencyKind::After, unit);
        if applies {
            self.graph.connect(target, DependencyKind::After, Source::Default(Rule::TargetAfterUnit), unit);
        }
    }

    fn order_mounts(&mut self, cx: &mut Cx, id: UnitId) {
        if self.graph[id].load_state != LoadState::Loaded {
            return;
        }
        for (row, pulls) in [
            (rows::unit::REQUIRES_MOUNTS_FOR, DependencyKind::Requires),
            (rows::unit::WANTS_MOUNTS_FOR, DependencyKind::Wants),
        ] {
            let paths = self.graph[id].definition.list(row).to_vec();
            for path in paths.iter().flat_map(|path| prefixes(path)) {
                let Ok(name) = UnitName::from_path(path, UnitType::Mount) else { continue };
                let Some(mount) = self.loaded_mount(cx, &name) else { continue };
                let source = Source::Implicit(Rule::MountsFor);
                self.graph.connect(id, DependencyKind::After, source, mount);
                if self.graph[mount].definition.fragment.is_some() {
                    self.graph.connect(id, pulls, source, mount);
                }
            }
        }
    }

    /// A file system has been mounted: units that have paths on it come after it.
    pub(in crate::core) fn order_after_mount(&mut self, cx: &mut Cx, mount: &UnitName) {
        let Some(place) = mount.to_path() else { return };
        let is_on = |path: &String| prefixes(path).any(|prefix| prefix == place);
        for id in self.graph.ids() {
            let definition = &self.graph[id].definition;
            let rows = [rows::unit::REQUIRES_MOUNTS_FOR, rows::unit::WANTS_MOUNTS_FOR];
            if rows.iter().any(|row| definition.list(*row).iter().any(is_on)) {
                self.order_mounts(cx, id);
            }
        }
    }

    /// The mount unit, if there is one; looking for it leaves nothing behind.
    fn loaded_mount(&mut self, cx: &mut Cx, name: &UnitName) -> Option<UnitId> {
        if self.graph.find(name).is_none() {
            if self.absent_mounts.contains(name) {
                return None;
            }
            if cx.world.load(name).load_state != LoadState::Loaded {
                self.absent_mounts.insert(name.clone());
                self.missed_mounts.insert(name.clone());
                return None;
            }
        }
        let id = self.load(cx, name);
        (self.graph[id].load_state == LoadState::Loaded).then_some(id)
    }

    /// daemon-reload: every definition whose files changed anew; states and jobs stay.
    pub(in crate::core) fn reload_all(&mut self, cx: &mut Cx) {
        self.actions.push(Action::Reloading(true));
        cx.world.refresh();
        let mut changed = self.graph.ids();
        changed.retain(|id| {
            let record = &self.graph[*id];
            record.load_state == LoadState::Stub || !cx.world.is_current(&record.definition)
        });
        self.reload_units(cx, changed);
        // Mounts that exist now, and that units would be ordered after that didn't change themselves.
        for mount in std::mem::take(&mut self.missed_mounts) {
            if self.loaded_mount(cx, &mount).is_some() {
                self.order_after_mount(cx, &mount);
            }
        }
        // As systemd, which sets all states anew: what holds for active units all the time is looked at again.
        for id in self.graph.ids() {
            // systemd 252 forgets how often units were started; so must a broker that comes after this one.
            if self.graph[id].starts.count > 0 {
                self.graph[id].starts.reset();
                self.save(id);
            }
            let active = self.graph[id].active;
            if active.is_up() {
                self.defer(id, active);
            }
        }
        self.wake_all();
        self.actions.push(Action::Reloading(false));
    }

    /// One unit's definition anew.
    pub(in crate::core) fn reload_one(&mut self, cx: &mut Cx, id: UnitId) {
        cx.world.refresh();
        self.reload_units(cx, vec![id]);
    }

    /// A definition from elsewhere than files.
    pub(in crate::core) fn define(&mut self, cx: &mut Cx, unit: Unit) -> UnitId {
        let name = unit.name.clone();
        let id = self.graph.find(&name).unwrap_or_else(|| self.graph.insert_stub(name));
        self.graph.disconnect(id);
        self.graph[id].transient = true;
        let is_new = self.graph[id].load_state == LoadState::Stub;
        let mut queue = VecDeque::new();
        let id = self.adopt(cx, id, unit, &mut queue).unwrap_or(id);
        self.graph.sweep();
        self.load_queue(cx, queue);
        self.derive(cx, id);
        if is_new {
            self.actions.push(Action::UnitNew(self.graph[id].name.clone()));
        }
        self.after_reload(id);
        id
    }

    pub(in crate::core) fn reload_units(&mut self, cx: &mut Cx, ids: Vec<UnitId>) {
        let mut queue = VecDeque::new();
        let mut done = Vec::new();
        let mut seen: BTreeSet<UnitId> = ids.iter().copied().collect();
        let mut open = ids;
        while !open.is_empty() {
            let batch = std::mem::take(&mut open);
            // All names first: an alias may go from one unit to another.
            let mut earlier = Vec::new();
            for id in batch.into_iter().filter(|id| self.graph.contains(*id)).collect::<Vec<_>>() {
                // Perhaps nothing mentions them any more.
                self.gc.extend(self.graph.mentions(id));
                self.graph.disconnect(id);
                self.forget_derived(id);
                let aliases = std::mem::take(&mut self.graph[id].aliases);
                for alias in &aliases {
                    self.graph.unbind_name(alias, id);
                }
                earlier.push((id, aliases));
            }
            for (id, aliases) in earlier {
                if !self.graph.contains(id) {
                    continue;
                }
                let old = self.graph[id].definition.clone();
                let mut unit = cx.world.load(&old.name);
                if self.graph[id].transient && unit.load_state == LoadState::NotFound {
                    unit = (*old).clone();
                }
                let Some(id) = self.adopt(cx, id, unit, &mut queue) else { continue };
                done.push((id, old));
                if aliases.iter().any(|alias| self.graph.find(alias) != Some(id)) {
                    // What mentions it may have meant that name.
                    open.extend(self.graph.mentioned_by(id).filter(|other| seen.insert(*other)));
                }
            }
        }
        self.graph.sweep();
        self.load_queue(cx, queue);
        for (id, old) in done {
            if !self.graph.contains(id) {
                continue;
            }
            self.derive(cx, id);
            if self.graph[id].name.unit_type() == UnitType::Mount {
                let mount = self.graph[id].name.clone();
                self.order_after_mount(cx, &mount);
            }
            self.graph[id].dependencies.sweep();
            if self.graph[id].definition != old {
                self.after_reload(id);
            }
            self.gc.insert(id);
        }
        self.wake_all();
    }

    fn after_reload(&mut self, id: UnitId) {
        self.changed(id);
        let record = &self.graph[id];
        let known_to_worker = !record.active.is_down() || record.invocation != [0; 16];
        if let Some(worker) = kinds::worker(record.name.unit_type()).filter(|_| known_to_worker) {
            self.actions.push(Action::Update(worker, record.name.clone()));
        }
        if record.name.unit_type() == UnitType::Slice && record.active.is_up() {
            self.actions.push(Action::Slice(record.name.clone()));
        }
    }

    /// Adds what a device wants now, and takes back what it no longer wants.
    pub(in crate::core) fn set_device_wants(&mut self, cx: &mut Cx, id: UnitId) {
        self.graph.disconnect(id);
        let mut queue = VecDeque::new();
        let definition = self.graph[id].definition.clone();
        let wants = self.graph[id].device.as_ref().map(|device| device.wants.clone()).unwrap_or_default();
        for edge in cx.world.dependencies(&definition).into_iter().chain(wants.into_iter().map(device_want)) {
            self.connect(id, edge, &mut queue);
        }
        self.graph.sweep();
        self.load_queue(cx, queue);
    }
}

fn device_want(other: UnitName) -> Edge {
    Edge { kind: DependencyKind::Wants, other, source: Source::Implicit(Rule::DeviceWants) }
}

/// `/a/b` -> `/a/b`, `/a`, `/`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(path);
    std::iter::from_fn(move || {
        let path = next?;
        next = match path.rsplit_once('/') {
            Some(("", "")) | None => None,
            Some(("", _)) => Some("/"),
            Some((parent, _)) => Some(parent),
        };
        Some(path)
    })
}
