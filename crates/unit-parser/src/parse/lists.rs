//! Kinds whose right side is a list that adds to what was there.

use super::checked::{CONTROLLERS, checked};
use super::words::{Quoting, Word, Words};
use super::{
    Context, Problem, exit_status as status, listen as address, mask, network, number, path, scalars, timespan,
};
use crate::name::UnitName;
use crate::specifier::Scope;
use crate::system_calls::{self, Refusal};
use crate::table::{Check, DeviceValue};
use crate::unit_type::UnitType;
use crate::value::{Address, Condition, ConditionKind, ExitStatusSet, ListenAddress, ListenKind, UnitList, Value};

type Read = Result<Value, Problem>;

/// The words of a text; after a broken quote the words before it count, as in systemd.
fn each_word(text: &str, quoting: Quoting, context: &mut Context<'_>) -> Vec<Word> {
    let mut words = Words::new(text, quoting);
    let mut all = Vec::new();
    loop {
        let start = words.position();
        match words.next_word() {
            Ok(Some(word)) => all.push(word),
            Ok(None) => return all,
            Err(error) => {
                context.warn(Problem::new(error.to_string()).at(start, text.len()));
                return all;
            }
        }
    }
}

/// Words with specifiers replaced; those that can't be are complained about and left out.
fn expanded(text: &str, quoting: Quoting, context: &mut Context<'_>) -> Vec<Word> {
    let mut out = Vec::new();
    for mut word in each_word(text, quoting, context) {
        match context.text(&word.text) {
            Ok(text) => {
                word.text = text;
                out.push(word);
            }
            Err(problem) => context.warn(problem.at(word.start, word.end)),
        }
    }
    out
}

fn old_list(old: Option<&Value>) -> Vec<String> {
    match old {
        Some(Value::List(list)) => list.clone(),
        _ => Vec::new(),
    }
}

fn old_pairs(old: Option<&Value>) -> Vec<(String, String)> {
    match old {
        Some(Value::Pairs(list)) => list.clone(),
        _ => Vec::new(),
    }
}

pub(super) fn words(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = old_list(old);
    list.extend(expanded(text, Quoting::Quotes, context).into_iter().map(|w| w.text));
    Ok(Value::List(list))
}

/// Those words that are well-formed; the others are complained about.
pub(super) fn checked_words(text: &str, check: Check, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = old_list(old);
    for word in expanded(text, Quoting::Quotes, context) {
        match checked(check, &word.text) {
            Some(text) => list.push(text),
            None => context.warn(unexpected(&word, check, 0)),
        }
    }
    Ok(Value::List(list))
}

fn unexpected(word: &Word, check: Check, offset: usize) -> Problem {
    let problem = Problem::new(format!("expected {}, found \"{}\"", check.expected(), word.text));
    problem.at(word.start + offset, word.end + offset)
}

pub(super) fn words_replace(text: &str, context: &mut Context<'_>) -> Read {
    let joined = context.text(text)?;
    let separate = |c: char| c == ':' || c.is_ascii_whitespace();
    let mut list = Vec::new();
    for part in joined.split(separate).filter(|part| !part.is_empty()) {
        match path::absolute(part) {
            Some(path) => list.push(path),
            None => context.warn(Problem::new(format!("\"{part}\" is not an absolute path"))),
        }
    }
    Ok(Value::List(list))
}

pub(super) fn documentation(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let schemes = ["http://", "https://", "file:/", "info:", "man:"];
    let mut list = old_list(old);
    for word in expanded(text, Quoting::Quotes, context) {
        let rest = schemes.iter().find_map(|scheme| word.text.strip_prefix(scheme));
        if rest.is_some_and(|rest| !rest.is_empty()) {
            list.push(word.text);
        } else {
            let mut problem = Problem::new(format!("\"{}\" is no address of documentation", word.text));
            problem.hint = Some("use http://, https://, file:/, info: or man:".to_owned());
            context.warn(problem.at(word.start, word.end));
        }
    }
    Ok(Value::List(list))
}

pub(super) fn install_names(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    // Specifiers are replaced when the unit is enabled.
    let mut list = old_list(old);
    list.extend(each_word(text, Quoting::Quotes, context).into_iter().map(|w| w.text));
    Ok(Value::List(list))
}

/// A name as it is written, with specifiers.
fn named_unit(text: &str, context: &Context<'_>) -> Result<UnitName, Problem> {
    let expanded = context.specifiers.expand(text, Scope::UnitName).map_err(Problem::new)?;
    UnitName::parse(&expanded).map_err(|e| {
        let mut problem = Problem::new(e.to_string());
        problem.code = "bad-unit-name";
        problem
    })
}

fn unit_name(text: &str, context: &Context<'_>) -> Result<UnitName, Problem> {
    let name = named_unit(text, context)?;
    if !name.is_template() {
        return Ok(name);
    }
    // A template without instance means the instance of this unit, or its prefix (systemd.unit(5)).
    let own = context.specifiers.name;
    let instance = own.instance().unwrap_or(own.prefix());
    name.with_instance(instance).map_err(|e| Problem::new(e.to_string()))
}

pub(super) fn units(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = match old {
        Some(Value::Units(list)) => UnitList::clone(list),
        _ => UnitList::default(),
    };
    for word in each_word(text, Quoting::None, context) {
        match unit_name(&word.text, context) {
            Ok(name) => list.add(name, context.origin),
            Err(problem) => context.warn(problem.at(word.start, word.end)),
        }
    }
    Ok(Value::Units(Box::new(list)))
}

fn single(name: UnitName, context: &Context<'_>) -> Value {
    let mut list = UnitList::default();
    list.add(name, context.origin);
    Value::Units(Box::new(list))
}

pub(super) fn unit_ref(text: &str, context: &mut Context<'_>) -> Read {
    let name = unit_name(text, context)?;
    if name.unit_type() != UnitType::Slice || name.is_instance() {
        return Err(Problem::new(format!("{name} is not a slice")));
    }
    Ok(single(name, context))
}

pub(super) fn triggered_unit(text: &str, context: &mut Context<'_>) -> Read {
    let own = context.specifiers.name.unit_type();
    let name = match own {
        // Timers and paths put an instance into a template; a socket doesn't.
        UnitType::Socket => named_unit(text, context)?,
        _ => unit_name(text, context)?,
    };
    if own == UnitType::Socket && name.unit_type() != UnitType::Service {
        return Err(Problem::new(format!("{name} is not a service")));
    }
    if own == UnitType::Socket && name.is_template() {
        return Err(Problem::new(format!("{name} is a template, and no instance of it is named")));
    }
    if own == name.unit_type() {
        return Err(Problem::new(format!("a {own} can't trigger a {own}")));
    }
    Ok(single(name, context))
}

pub(super) fn paths(text: &str, old: Option<&Value>, context: &mut Context<'_>, allowed: &str) -> Read {
    let mut list = old_list(old);
    for word in expanded(text, Quoting::Quotes, context) {
        // Each of them once, in this order.
        let mut bare = word.text.as_str();
        for prefix in allowed.chars() {
            bare = bare.strip_prefix(prefix).unwrap_or(bare);
        }
        let prefix = word.text.get(..word.text.len() - bare.len()).unwrap_or("");
        match path::absolute(bare) {
            Some(path) => list.push(format!("{prefix}{path}")),
            None => {
                let problem = Problem::new(format!("\"{bare}\" is not an absolute path"));
                context.warn(problem.at(word.start, word.end));
            }
        }
    }
    Ok(Value::List(list))
}

/// systemd leaves such a line where it stumbles.
pub(super) fn link_paths(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Value {
    let mut list = old_list(old);
    for word in expanded(text, Quoting::Quotes, context) {
        let Some(path) = path::absolute(&word.text) else {
            let what = format!("\"{}\" is not an absolute path; the rest of the line doesn't count", word.text);
            context.warn(Problem::new(what).at(word.start, word.end));
            break;
        };
        list.push(path);
    }
    Value::List(list)
}

pub(super) fn bind_paths(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = old_list(old);
    for word in expanded(text, Quoting::QuotesKeepEscapes, context) {
        let mut parts = word.text.splitn(3, ':');
        let source = parts.next().unwrap_or("");
        let bare = source.strip_prefix('-').unwrap_or(source);
        let target = parts.next().filter(|t| !t.is_empty()).unwrap_or(bare);
        let options = parts.next().unwrap_or("");
        let known = ["", "rbind", "norbind"].contains(&options);
        if path::absolute(bare).is_some() && path::absolute(target).is_some() && known {
            list.push(word.text);
        } else {
            let problem = Problem::new(format!("\"{}\" is not SOURCE:DESTINATION:OPTIONS", word.text));
            context.warn(problem.at(word.start, word.end));
        }
    }
    Ok(Value::List(list))
}

pub(super) fn temporary_file_systems(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = old_pairs(old);
    for word in expanded(text, Quoting::Quotes, context) {
        let (target, options) = word.text.split_once(':').unwrap_or((&word.text, ""));
        match path::absolute(target) {
            Some(target) => list.push((target, options.to_owned())),
            None => {
                let problem = Problem::new(format!("\"{target}\" is not an absolute path"));
                context.warn(problem.at(word.start, word.end));
            }
        }
    }
    Ok(Value::Pairs(list))
}

pub(super) fn directories(text: &str, links: bool, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = old_list(old);
    for word in expanded(text, Quoting::QuotesKeepEscapes, context) {
        // As in systemd a colon in front separates nothing.
        let text = if links { word.text.trim_start_matches(':') } else { word.text.as_str() };
        let (name, link) = match text.split_once(':') {
            Some((name, "")) => (name, None),
            Some((name, link)) if links => (name, Some(link)),
            Some(_) => ("", None),
            None => (text, None),
        };
        let private = |p: &str| p == "private" || p.starts_with("private/");
        let good = |p: &str| path::relative(p).filter(|p| !private(p));
        match (good(name), link.map(good)) {
            (Some(name), None) => list.push(name),
            (Some(name), Some(Some(link))) => list.push(format!("{name}:{link}")),
            _ => {
                let problem = Problem::new(format!("\"{}\" is no usable relative path", word.text));
                context.warn(problem.at(word.start, word.end));
            }
        }
    }
    // systemd keeps them sorted.
    list.sort();
    list.dedup();
    Ok(Value::List(list))
}

pub(crate) fn valid_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

pub(super) fn environment(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = match old {
        Some(Value::Environment(list)) => list.clone(),
        _ => Vec::new(),
    };
    for word in expanded(text, Quoting::Escapes, context) {
        let assignment = word.text.split_once('=').filter(|(name, _)| valid_variable(name));
        let Some((name, value)) = assignment else {
            let problem = Problem::new(format!("\"{}\" is no assignment NAME=value", word.text));
            context.warn(problem.at(word.start, word.end));
            continue;
        };
        match list.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => *slot = value.to_owned(),
            None => list.push((name.to_owned(), value.to_owned())),
        }
    }
    Ok(Value::Environment(list))
}

pub(super) fn environment_names(text: &str, assignments: bool, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = old_list(old);
    for word in expanded(text, Quoting::Escapes, context) {
        let name = word.text.split_once('=').map_or(word.text.as_str(), |(name, _)| name);
        if valid_variable(name) && (assignments || name == word.text) {
            list.push(word.text);
        } else {
            let problem = Problem::new(format!("\"{}\" is no variable's name", word.text));
            context.warn(problem.at(word.start, word.end));
        }
    }
    Ok(Value::List(list))
}

pub(super) fn environment_files(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let expanded = context.text(text)?;
    let (optional, bare) = match expanded.strip_prefix('-') {
        Some(bare) => ("-", bare),
        None => ("", expanded.as_str()),
    };
    let file = path::absolute(bare).ok_or_else(|| Problem::new(format!("\"{bare}\" is not an absolute path")))?;
    let mut list = old_list(old);
    list.push(format!("{optional}{file}"));
    Ok(Value::List(list))
}

pub(super) fn condition(
    text: &str,
    kind: ConditionKind,
    assert: bool,
    old: Option<&Value>,
    context: &mut Context<'_>,
) -> Read {
    let mut rest = text;
    let mut take = |mark: char| match rest.strip_prefix(mark) {
        Some(after) => {
            rest = after.trim_start();
            true
        }
        None => false,
    };
    let (trigger, negate) = (take('|'), take('!'));
    let mut parameter = context.text(rest)?;
    if kind.takes_path() {
        parameter = path::absolute(&parameter)
            .ok_or_else(|| Problem::new(format!("\"{parameter}\" is not an absolute path")))?;
    }
    let mut list = match old {
        Some(Value::Conditions(list)) => list.clone(),
        _ => Vec::new(),
    };
    let line = context.origin.line;
    list.push(Condition { kind, assert, trigger, negate, parameter, line });
    Ok(Value::Conditions(list))
}

pub(super) fn listen(text: &str, kind: ListenKind, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let expanded = context.text(text)?;
    let (mut address, mut shown) =
        address::parse(kind, &expanded).map_err(|why| Problem::new(format!("\"{expanded}\": {why}")))?;
    if let Address::Path(path) = &mut address {
        shown = scalars::patch_var_run(shown);
        path.clone_from(&shown);
    }
    let mut list = match old {
        Some(Value::Listen(list)) => list.clone(),
        _ => Vec::new(),
    };
    list.push(ListenAddress { kind, text: shown, address, line: context.origin.line });
    Ok(Value::Listen(list))
}

pub(super) fn exit_status(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut set = match old {
        Some(Value::ExitStatus(set)) => ExitStatusSet::clone(set),
        _ => ExitStatusSet::default(),
    };
    for word in each_word(text, Quoting::None, context) {
        if !status::add(&mut set, &word.text) {
            let problem = Problem::new(format!("\"{}\" is neither exit status nor signal", word.text));
            context.warn(problem.at(word.start, word.end));
        }
    }
    Ok(Value::ExitStatus(Box::new(set)))
}

pub(super) fn users(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = old_list(old);
    // Quotes mean nothing here (systemd lets even a name in quotes pass, which then nobody has).
    for word in expanded(text, Quoting::None, context) {
        if !scalars::valid_user(&word.text) {
            let problem = Problem::new(format!("\"{}\" is no user or group", word.text));
            return Err(problem.at(word.start, word.end).fatal());
        }
        list.push(word.text);
    }
    Ok(Value::List(list))
}

pub(super) fn input_text(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let line = context.text(&super::words::unescape(text))?;
    let before = match old {
        Some(Value::Str(before)) => &**before,
        _ => "",
    };
    Ok(Value::Str(format!("{before}{line}\n").into()))
}

pub(super) fn input_data(text: &str, old: Option<&Value>) -> Read {
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    if !text.chars().all(|c| base64(c) || c.is_ascii_whitespace()) {
        return Err(Problem::new("not Base64"));
    }
    let mut list = old_list(old);
    list.push(text.split_ascii_whitespace().collect());
    Ok(Value::List(list))
}

pub(super) fn pair(key: &str, value: String, old: Option<&Value>) -> Value {
    let mut list = old_pairs(old);
    list.push((key.to_owned(), value));
    Value::Pairs(list)
}

/// A leading `~`, and the rest.
fn inverted(text: &str) -> (bool, &str) {
    text.strip_prefix('~').map_or((false, text), |rest| (true, rest))
}

/// With `~` the words are those that are not meant. A list of the other sense takes words away.
pub(super) fn allow_deny(text: &str, check: Option<Check>, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let (invert, rest) = inverted(text);
    let offset = text.len() - rest.len();
    let mut words = Vec::new();
    for word in each_word(rest, Quoting::Quotes, context) {
        match check {
            None => words.push(word.text),
            Some(check) => match checked(check, &word.text) {
                Some(text) => words.push(text),
                None => context.warn(unexpected(&word, check, offset)),
            },
        }
    }
    let mut list = old_list(old);
    if list.is_empty() && invert {
        list.push("~".to_owned());
    }
    if invert == list.first().is_some_and(|w| w == "~") {
        for word in words {
            if !list.contains(&word) {
                list.push(word);
            }
        }
    } else {
        list.retain(|word| !words.contains(word));
    }
    Ok(Value::List(list))
}

pub(super) fn system_calls(text: &str, old: Option<&Value>, defaults: bool, context: &mut Context<'_>) -> Read {
    let (invert, rest) = inverted(text);
    let offset = text.len() - rest.len();
    let words = each_word(rest, Quoting::Quotes, context);
    let mut list = old_list(old);
    let texts = words.iter().map(|word| word.text.clone()).collect();
    for (at, refusal) in system_calls::add(&mut list, invert, texts, defaults) {
        let Some(word) = words.get(at) else { continue };
        let name = &word.text;
        let problem = Problem::new(match refusal {
            Refusal::UnknownName => format!("there is no system call or set \"{name}\""),
            Refusal::BadError => format!("\"{name}\" doesn't end in an error's name or number"),
            Refusal::ErrorOfAllowed => format!("\"{name}\" has an error, but is allowed"),
        });
        context.warn(problem.at(word.start + offset, word.end + offset));
    }
    Ok(Value::List(list))
}

pub(super) fn networks(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut list = old_list(old);
    for word in each_word(text, Quoting::None, context) {
        let Some(networks) = network::parse(&word.text) else {
            let problem = Problem::new(format!("\"{}\" is no address or network", word.text));
            context.warn(problem.at(word.start, word.end));
            continue;
        };
        for network in networks {
            if !list.contains(&network) {
                list.push(network);
            }
        }
    }
    Ok(Value::List(list))
}

pub(super) fn cpu_set(text: &str, old: Option<&Value>) -> Read {
    let set = mask::cpu_set(text).ok_or_else(|| Problem::new("not a list of numbers like 0-3,5"))?;
    let mut all: std::collections::BTreeSet<u32> = old_list(old).iter().flat_map(|n| n.parse()).collect();
    all.extend(set);
    Ok(Value::List(all.iter().map(u32::to_string).collect()))
}

pub(super) fn device_value(text: &str, what: DeviceValue, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let mut words = Words::new(text, Quoting::Quotes);
    let first = match words.next_word() {
        Ok(Some(word)) => context.text(&word.text)?,
        _ => return Err(Problem::new("unbalanced quoting")),
    };
    let rest = words.rest().trim();
    let number = match what {
        DeviceValue::Weight(low, high) => number::unsigned(rest).ok().filter(|n| (low..=high).contains(n)),
        DeviceValue::Rate if rest == "infinity" => Some(u64::MAX),
        DeviceValue::Rate => number::size_decimal(rest).ok().filter(|n| *n > 0),
        DeviceValue::Latency => timespan::parse(rest).ok(),
    };
    match number {
        Some(number) => Ok(pair(&first, number.to_string(), old)),
        None => Err(Problem::new(format!("\"{text}\" is no device with what counts for it"))),
    }
}

pub(super) fn device_allow(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let (device, access) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let device = context.text(device)?;
    let access = access.trim();
    let known = device.starts_with("/dev/")
        || device.starts_with("char-")
        || device.starts_with("block-")
        || device.starts_with("/run/systemd/inaccessible/");
    if !known || !access.chars().all(|c| matches!(c, 'r' | 'w' | 'm')) {
        return Err(Problem::new(format!("\"{text}\" is no device with access of r, w, m")));
    }
    let access = if access.is_empty() { "rwm" } else { access };
    Ok(pair(&device, access.to_owned(), old))
}

pub(super) fn colon_pair(text: &str, check: Option<Check>, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let text = match check {
        None => text.to_owned(),
        Some(check) => checked(check, text)
            .ok_or_else(|| Problem::new(format!("expected {}, found \"{text}\"", check.expected())))?,
    };
    let (key, value) = text.split_once(':').unwrap_or((&text, ""));
    if check == Some(Check::CredentialContent) {
        if value.is_empty() {
            return Err(Problem::new(format!("the credential \"{key}\" has no content")));
        }
        // As in systemd there are specifiers in the name, and none in the content.
        let key = context.text(key)?;
        if checked(Check::CredentialContent, &format!("{key}:")).is_none() {
            return Err(Problem::new(format!("\"{key}\" is no name of a credential")));
        }
        return Ok(pair(&key, value.to_owned(), old));
    }
    let value = context.text(value)?;
    Ok(pair(key, value, old))
}

/// What `Delegate=yes` stands for.
const ALL_CONTROLLERS: &[&str] = &["cpu", "cpuset", "io", "memory", "pids"];

/// `no`, or `yes` and the controllers.
pub(super) fn delegate(text: &str, old: Option<&Value>, context: &mut Context<'_>) -> Read {
    let own = |words: &[&str]| Ok(Value::List(words.iter().map(|word| (*word).to_owned()).collect()));
    match number::boolean(text) {
        Some(true) => return own(&[&["yes"], ALL_CONTROLLERS].concat()),
        Some(false) => return own(&["no"]),
        None if text.is_empty() => return own(&["yes"]),
        None => {}
    }
    let mut named = old_list(old);
    for word in each_word(text, Quoting::Quotes, context) {
        if CONTROLLERS.contains(&word.text.as_str()) {
            named.push(word.text);
        } else {
            let problem = Problem::new(format!("\"{}\" is no controller", word.text));
            context.warn(problem.at(word.start, word.end));
        }
    }
    let kept = CONTROLLERS.iter().filter(|controller| named.iter().any(|name| name == *controller)).copied();
    own(&std::iter::once("yes").chain(kept).collect::<Vec<_>>())
}
