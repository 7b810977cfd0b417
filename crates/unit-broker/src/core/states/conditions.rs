//! `Condition…=` and `Assert…=` at the start of a unit, and its start limit (systemd.unit(5)).

use unit_parser::{Condition, DependencyKind, Unit, rows};

use crate::core::api::action::{Action, LogLevel};
use crate::core::api::types::ActiveState;
use crate::core::api::view::ConditionView;
use crate::core::api::world::{Tested, World};
use crate::core::engine::{Cx, Engine};
use crate::core::graph::{Atom, UnitId};
use crate::core::kinds;

use super::change::Reached;

/// All plain ones must be met, and one of those with `|` if there are any. Stops at the first plain one that isn't.
fn test_all<'a>(
    unit: &Unit,
    conditions: impl Iterator<Item = &'a Condition>,
    world: &mut dyn World,
) -> (ConditionView, Option<&'a Condition>) {
    let mut each = Vec::new();
    let mut alternatives = None;
    let mut culprit = None;
    for condition in conditions {
        if culprit.is_some() {
            each.push(0);
            continue;
        }
        let met = world.test(unit, condition) == Tested::Met;
        each.push(if met { 1 } else { -1 });
        if condition.trigger {
            let (_, any) = alternatives.unwrap_or((condition, false));
            alternatives = Some((condition, any || met));
        } else if !met {
            culprit = Some(condition);
        }
    }
    let unmet = culprit.or(alternatives.filter(|(_, any)| !any).map(|(condition, _)| condition));
    (ConditionView { result: unmet.is_none(), each }, unmet)
}

fn describe(unit: &Unit, condition: &Condition) -> (String, String) {
    let (trigger, negate) = (if condition.trigger { "|" } else { "" }, if condition.negate { "!" } else { "" });
    let text = format!("{}={trigger}{negate}{}", condition.name(), condition.parameter);
    let file = unit.fragment.as_ref().map_or_else(String::new, |file| format!("{}:{}", file.display(), condition.line));
    (text, file)
}

impl Engine {
    /// Looks at the conditions; false if the unit is not to be started.
    pub(in crate::core) fn conditions_met(&mut self, cx: &mut Cx, id: UnitId) -> bool {
        let unit = self.graph[id].definition.clone();
        let (view, unmet) = test_all(&unit, unit.conditions(), cx.world);
        let record = &mut self.graph[id];
        record.stamps.condition = cx.now;
        record.conditions = view;
        self.told_condition(cx, id, &unit, unmet)
    }

    /// Looks at the asserts; false if the start is to fail.
    pub(in crate::core) fn asserts_met(&mut self, cx: &mut Cx, id: UnitId) -> bool {
        let unit = self.graph[id].definition.clone();
        let (view, unmet) = test_all(&unit, unit.asserts(), cx.world);
        let record = &mut self.graph[id];
        record.stamps.assert = cx.now;
        record.asserts = view;
        self.told_condition(cx, id, &unit, unmet)
    }

    fn told_condition(&mut self, cx: &mut Cx, id: UnitId, unit: &Unit, unmet: Option<&Condition>) -> bool {
        self.changed(id);
        self.save(id);
        let Some(condition) = unmet else { return true };
        let (text, source) = describe(unit, condition);
        self.record(cx, id, "not started".to_owned(), format!("{text} was not met"), source);
        let level = if condition.assert { LogLevel::Error } else { LogLevel::Info };
        let text = format!("{} was skipped because of an unmet condition check ({text}).", unit.name);
        self.actions.push(Action::Log(Some(unit.name.clone()), level, text));
        false
    }

    /// `BindsTo=` together with `After=`: the other must be active by now.
    pub(in crate::core) fn bound_units_are_up(&mut self, cx: &mut Cx, id: UnitId) -> bool {
        let missing = self
            .graph
            .with_atom(id, Atom::BoundTo)
            .find(|(_, other)| self.graph.has(id, DependencyKind::After, *other) && !self.graph[*other].active.is_up());
        let Some((kind, other)) = missing else { return true };
        self.record_edge(cx, id, "not started: bound to an inactive unit".to_owned(), (id, kind, other));
        let (name, other) = (self.graph[id].name.clone(), self.graph[other].name.clone());
        let text = format!("Bound to unit {other}, but unit isn't active.");
        self.actions.push(Action::Log(Some(name), LogLevel::Notice, text));
        false
    }

    /// Counts a start; false if there were too many, and then the unit has failed.
    pub(in crate::core) fn within_start_limit(&mut self, cx: &mut Cx, id: UnitId) -> bool {
        let record = &mut self.graph[id];
        let (interval, burst) = record.settings.start_limit;
        if !kinds::has_start_limit(record.name.unit_type())
            || record.starts.allow(cx.now.monotonic_usec, interval, burst)
        {
            record.start_limit_hit = false;
            return true;
        }
        record.start_limit_hit = true;
        record.own_failure = true;
        let name = record.name.clone();
        let text = "Start request repeated too quickly.".to_owned();
        self.actions.push(Action::Log(Some(name.clone()), LogLevel::Warning, text));
        self.emergency(cx, id, rows::unit::START_LIMIT_ACTION, None, format!("unit {name} hit its start limit"));
        // The reason of the last failure stays: it is what the restarts were for.
        let last = self.graph[id].result.clone();
        let mut failed = Reached::own(ActiveState::Failed, "failed");
        failed.result = if last == "success" { "start-limit-hit".into() } else { last };
        failed.cause = format!("more than {burst} starts within {} s (StartLimitBurst=)", interval / 1_000_000);
        self.reached(cx, id, failed);
        false
    }

    /// A start job for a unit that is being started already counts as a start, as in systemd; here it never fails.
    pub(in crate::core) fn count_needless_start(&mut self, cx: &mut Cx, id: UnitId) {
        let record = &mut self.graph[id];
        let (interval, burst) = record.settings.start_limit;
        if kinds::has_start_limit(record.name.unit_type()) {
            record.starts.allow(cx.now.monotonic_usec, interval, burst);
            self.save(id);
        }
    }
}
