//! `org.freedesktop.DBus.Introspectable`: interfaces of an object, and the names of what lies below it.

use std::fmt::Write;

use crate::properties::interface::{Interface, interface};

const HEAD: &str = "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n\
    \"https://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n<node>\n";
const STANDARD: [&str; 3] =
    ["org.freedesktop.DBus.Peer", "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Properties"];

/// The XML of an object: the standard interfaces, its own, its children by name.
#[must_use]
pub fn xml<S: AsRef<str>>(own: &[&'static Interface], children: impl IntoIterator<Item = S>) -> String {
    let mut text = String::from(HEAD);
    for interface in STANDARD.into_iter().filter_map(interface).chain(own.iter().copied()) {
        describe(interface, &mut text);
    }
    for child in children {
        // Labels are escaped already: letters, digits and underscores.
        let _ = writeln!(text, " <node name=\"{}\"/>", child.as_ref());
    }
    text.push_str("</node>\n");
    text
}

/// Writing to a string can't fail, so results of `write!` are dropped here.
fn describe(interface: &Interface, text: &mut String) {
    let _ = writeln!(text, " <interface name=\"{}\">", interface.name);
    for property in interface.properties.iter().filter(|property| !property.own) {
        let access = if property.writable { "readwrite" } else { "read" };
        let _ = write!(
            text,
            "  <property name=\"{}\" type=\"{}\" access=\"{access}\">\n   <annotation name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" value=\"{}\"/>\n  </property>\n",
            property.name,
            property.text,
            property.emits.annotation()
        );
    }
    for method in &interface.methods {
        let _ = writeln!(text, "  <method name=\"{}\">", method.name);
        let directions = [(&method.inputs, "in"), (&method.outputs, "out")];
        for (signature, name, direction) in
            directions.iter().flat_map(|(list, direction)| list.iter().map(move |(s, n)| (s, n, direction)))
        {
            let _ = writeln!(text, "   <arg type=\"{signature}\" name=\"{name}\" direction=\"{direction}\"/>");
        }
        text.push_str("  </method>\n");
    }
    for signal in &interface.signals {
        let _ = writeln!(text, "  <signal name=\"{}\">", signal.name);
        for (signature, name) in &signal.arguments {
            let _ = writeln!(text, "   <arg type=\"{signature}\" name=\"{name}\"/>");
        }
        text.push_str("  </signal>\n");
    }
    text.push_str(" </interface>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_and_its_children() {
        let job = interface("org.freedesktop.systemd1.Job").unwrap();
        let text = xml(&[job], ["a", "b"]);
        assert!(text.contains("<method name=\"Cancel\">"));
        assert!(text.contains("<arg type=\"s\" name=\"interface_name\" direction=\"in\"/>"));
        assert!(text.contains(" <node name=\"b\"/>\n</node>\n"));
        assert_eq!(text.matches("<interface ").count(), 4);
    }
}
