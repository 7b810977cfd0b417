//! What is answered and signalled on the message bus: `org.freedesktop.DBus.ObjectManager` on the root object,
//! `org.freedesktop.DBus.Properties` everywhere, our own interfaces.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bus_api::devices::{self, DeviceUnit, list_reply, status_reply};
use bus_api::errors::{BusError, ErrorName};
use bus_api::message::{arguments, interface, member, reply, signal_on};
use bus_api::serve::{default_reply, error_reply, guarded};
use zbus::message::{Message, Type};
use zbus::{ObjectPath, Variant};

use super::Interfaces;
use crate::core::objects::{ObjectChange, Objects, Property, PropertyValue, ROOT, path_of};
use crate::driver::presence::Presence;

/// Interface of a unit's object.
const UNIT: &str = "org.quintet.Devices1.Unit";
const MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

const HEAD: &str = r#"<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node>
 <interface name="org.freedesktop.DBus.Peer"><method name="Ping"/></interface>
 <interface name="org.freedesktop.DBus.Introspectable">
  <method name="Introspect"><arg name="xml" type="s" direction="out"/></method>
 </interface>
"#;
const ROOT_XML: &str = r#" <interface name="org.quintet.Devices1">
  <method name="List"><arg name="units" type="a(sssssasass)" direction="out"/></method>
  <method name="Status"><arg name="available" type="b" direction="out"/><arg name="reason" type="s" direction="out"/></method>
 </interface>
 <interface name="org.freedesktop.DBus.ObjectManager">
  <method name="GetManagedObjects"><arg name="objects" type="a{oa{sa{sv}}}" direction="out"/></method>
  <signal name="InterfacesAdded"><arg name="object" type="o"/><arg name="interfaces" type="a{sa{sv}}"/></signal>
  <signal name="InterfacesRemoved"><arg name="object" type="o"/><arg name="interfaces" type="as"/></signal>
 </interface>
"#;
const PROPERTIES_XML: &str = r#" <interface name="org.freedesktop.DBus.Properties">
  <method name="Get"><arg name="interface" type="s" direction="in"/><arg name="property" type="s" direction="in"/><arg name="value" type="v" direction="out"/></method>
  <method name="GetAll"><arg name="interface" type="s" direction="in"/><arg name="properties" type="a{sv}" direction="out"/></method>
  <signal name="PropertiesChanged"><arg name="interface" type="s"/><arg name="changed" type="a{sv}"/><arg name="invalidated" type="as"/></signal>
 </interface>
"#;

fn variant<'a>(unit: &'a DeviceUnit, property: Property) -> Variant<'a> {
    match property.of(unit) {
        PropertyValue::Text(text) => Variant::from(text),
        PropertyValue::List(list) => Variant::from(list.to_vec()),
    }
}

fn values(unit: &DeviceUnit, properties: impl IntoIterator<Item = Property>) -> BTreeMap<&'static str, Variant<'_>> {
    properties.into_iter().map(|property| (property.as_str(), variant(unit, property))).collect()
}

fn interfaces(unit: &DeviceUnit) -> Interfaces<'_> {
    BTreeMap::from([(UNIT, values(unit, Property::ALL))])
}

/// The signals of a change, in order.
pub fn signals(change: &ObjectChange) -> Vec<Result<Message, zbus::Error>> {
    let event = |unit: &DeviceUnit| signal_on(&path_of(&unit.unit), UNIT, "Event", &(&unit.action,));
    let object = |unit: &DeviceUnit| ObjectPath::try_from(path_of(&unit.unit));
    match change {
        ObjectChange::Added(unit) => {
            let added = object(unit)
                .and_then(|object| signal_on(ROOT, MANAGER, "InterfacesAdded", &(object, interfaces(unit))));
            vec![added, event(unit)]
        }
        ObjectChange::Touched(unit, properties) => {
            let body = (UNIT, values(unit, properties.iter().copied()), Vec::<&str>::new());
            let changed = (!properties.is_empty())
                .then(|| signal_on(&path_of(&unit.unit), PROPERTIES, "PropertiesChanged", &body));
            changed.into_iter().chain([event(unit)]).collect()
        }
        ObjectChange::Removed(unit) => {
            let removed = object(unit)
                .and_then(|object| signal_on(ROOT, MANAGER, "InterfacesRemoved", &(object, [UNIT].as_slice())));
            vec![event(unit), removed]
        }
    }
}

/// The answer to a call of anybody on the bus; `None` when none is expected.
pub fn answer(objects: &Objects, presence: &dyn Fn() -> Presence, call: &Message) -> Option<Message> {
    if call.message_type() != Type::MethodCall {
        return None;
    }
    match asked(objects, call) {
        Ok(Some(question)) => guarded(call, || reply_to(objects, presence, call, question).map(Some)),
        Ok(None) => default_reply(call, &|path| introspect(objects, path)),
        Err(error) => error_reply(call, &error),
    }
}

/// What a call is about.
enum Question<'a> {
    Devices(devices::Request),
    Managed,
    Get(Option<&'a DeviceUnit>, String, String),
    GetAll(Option<&'a DeviceUnit>, String),
    Set,
}

fn asked<'a>(objects: &'a Objects, call: &Message) -> Result<Option<Question<'a>>, BusError> {
    let path = call.header().path().map(|path| path.to_string()).unwrap_or_default();
    let unit = objects.find(&path);
    if unit.is_none() && path != ROOT {
        return Ok(None);
    }
    let member = member(call);
    Ok(match (interface(call).as_str(), member.as_str()) {
        (MANAGER, "GetManagedObjects") if unit.is_none() => Some(Question::Managed),
        (PROPERTIES, "Get") => {
            let (interface, property) = arguments(call)?;
            Some(Question::Get(unit, interface, property))
        }
        (PROPERTIES, "GetAll") => Some(Question::GetAll(unit, arguments::<(String,)>(call)?.0)),
        (PROPERTIES, "Set") => Some(Question::Set),
        (_, _) if unit.is_none() => devices::Request::parse(call)?.map(Question::Devices),
        (_, _) => None,
    })
}

fn reply_to(
    objects: &Objects,
    presence: &dyn Fn() -> Presence,
    call: &Message,
    question: Question<'_>,
) -> Result<Message, BusError> {
    let read_only = || BusError::new(ErrorName::PropertyReadOnly, "Devices can only be looked at.");
    let built = match question {
        Question::Devices(devices::Request::List) => {
            let units: Vec<DeviceUnit> = objects.iter().map(|(_, unit)| unit.clone()).collect();
            list_reply(call, &units)
        }
        Question::Devices(devices::Request::Status) => {
            let presence = presence();
            let (well, reason) = presence.status();
            status_reply(call, well, reason)
        }
        Question::Devices(devices::Request::Inject { .. }) => {
            return Err(BusError::new(ErrorName::AccessDenied, "Events can be replayed on the private socket only."));
        }
        Question::Managed => {
            let mut all = BTreeMap::new();
            for (path, unit) in objects.iter() {
                all.insert(ObjectPath::try_from(path)?, interfaces(unit));
            }
            reply(call, &(all,))
        }
        Question::Get(unit, interface, name) => {
            let unknown = || BusError::new(ErrorName::UnknownProperty, format!("Unknown property {interface}.{name}."));
            let unit = unit.filter(|_| interface == UNIT || interface.is_empty()).ok_or_else(unknown)?;
            let property = Property::ALL.into_iter().find(|property| property.as_str() == name).ok_or_else(unknown)?;
            reply(call, &(variant(unit, property),))
        }
        Question::GetAll(unit, interface) => {
            let unit = unit.filter(|_| interface == UNIT || interface.is_empty());
            let all = unit.map(|unit| values(unit, Property::ALL)).unwrap_or_default();
            reply(call, &(all,))
        }
        Question::Set => return Err(read_only()),
    };
    built.map_err(|error| BusError::new(ErrorName::Failed, error.to_string()))
}

fn introspect(objects: &Objects, path: &str) -> Option<String> {
    let children = objects.children(path)?;
    let mut xml = HEAD.to_owned();
    if path == ROOT {
        xml.push_str(ROOT_XML);
        xml.push_str(PROPERTIES_XML);
    } else if objects.find(path).is_some() {
        xml.push_str(PROPERTIES_XML);
        let _ = writeln!(xml, " <interface name=\"{UNIT}\">");
        for property in Property::ALL {
            let kind = if matches!(property, Property::Wants | Property::UserWants) { "as" } else { "s" };
            let _ = writeln!(xml, "  <property name=\"{}\" type=\"{kind}\" access=\"read\"/>", property.as_str());
        }
        xml.push_str("  <signal name=\"Event\"><arg name=\"action\" type=\"s\"/></signal>\n </interface>\n");
    }
    for child in children {
        let _ = writeln!(xml, " <node name=\"{child}\"/>");
    }
    xml.push_str("</node>\n");
    Some(xml)
}
