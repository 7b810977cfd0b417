//! On a message bus of its own (dbus-daemon): a name, an object a unit, signals; nobody can change anything.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bus_api::connect::{CallError, PeerEvent, PeerEvents};
use bus_api::message::{arguments, member};
use bus_api::message_bus::{Bus, sockets};
use serde::Serialize;
use zbus::message::Message;
use zbus::{DynamicType, OwnedObjectPath, OwnedVariant};

const NAME: &str = "org.quintet.Devices1";
const ROOT: &str = "/org/quintet/Devices1";
const UNIT: &str = "org.quintet.Devices1.Unit";
const MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const LINK: &str = "/org/quintet/Devices1/unit/sys_2ddevices_2dvirtual_2dnet_2dtestlink0_2edevice";
const PATIENCE: Duration = Duration::from_secs(20);

type Interfaces = HashMap<String, HashMap<String, OwnedVariant>>;

/// A bus and a watcher on it, in a directory that goes with them.
struct World {
    dir: PathBuf,
    address: String,
    children: Vec<Child>,
}

impl World {
    /// `None` when the machine has no dbus-daemon.
    fn start(test: &str) -> Option<World> {
        if !Path::new("/usr/bin/dbus-daemon").exists() {
            eprintln!("skipped: needs dbus-daemon");
            return None;
        }
        let dir = std::env::temp_dir().join(format!("quintet-devices-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let mut world = World { dir, address: String::new(), children: Vec::new() };
        world.start_bus();
        world.start_watcher();
        Some(world)
    }

    fn start_bus(&mut self) {
        let policy = "<policy context='default'><allow send_destination='*'/><allow eavesdrop='false'/><allow own='*'/>\
                      <allow user='*'/></policy>";
        let socket = self.dir.join("bus");
        let config = self.dir.join("bus.conf");
        let text = format!("<busconfig><listen>unix:path={}</listen>{policy}</busconfig>", socket.display());
        fs::write(&config, text).unwrap();
        let mut child = Command::new("/usr/bin/dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.address = line.trim().to_owned();
        self.children.push(child);
    }

    fn watcher(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_device-watcher"));
        command.arg("--user").arg("--runtime-dir").arg(self.dir.join("run"));
        command.arg("--config").arg(self.dir.join("device-watcher.toml"));
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    fn start_watcher(&mut self) {
        fs::write(self.dir.join("device-watcher.toml"), "message_bus = \"session\"\nallow_replay = true\n").unwrap();
        let child = self.watcher().spawn().unwrap();
        self.children.push(child);
    }

    /// Injects an event through the private socket.
    fn replay(&self, action: &str, properties: &str) {
        let event = format!(
            "{{\"event\":{{\"action\":\"{action}\",\"syspath\":\"/sys/devices/virtual/net/testlink0\",\"subsystem\":\"net\",\
             \"properties\":{{{properties}}}}}}}\n"
        );
        let file = self.dir.join("event");
        fs::write(&file, event).unwrap();
        assert!(self.watcher().arg("replay").arg(&file).status().unwrap().success());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

struct Client {
    bus: Bus,
    events: PeerEvents,
}

impl Client {
    async fn connect(world: &World) -> Client {
        let socket = sockets(&world.address).remove(0);
        let (bus, events) = Bus::connect(&socket, PATIENCE).await.unwrap();
        let mut client = Client { bus, events };
        let rule = format!("type='signal',sender='{NAME}'");
        client.ask("org.freedesktop.DBus", "/org/freedesktop/DBus", "AddMatch", &(rule,)).await.unwrap();
        client
    }

    async fn call<B: Serialize + DynamicType>(
        &mut self,
        to: &str,
        path: &str,
        interface: &str,
        member: &str,
        body: &B,
    ) -> Result<Message, CallError> {
        let call = Message::method_call(path, member).destination(to).interface(interface).build(body).unwrap();
        let asked = self.bus.send(&call).unwrap();
        loop {
            match self.next().await {
                PeerEvent::Reply { serial, result } if serial == asked => return result,
                PeerEvent::Reply { .. } | PeerEvent::Back | PeerEvent::Signal(_) | PeerEvent::Call(_) => {}
                PeerEvent::Away { reason } => panic!("the bus is gone: {reason}"),
            }
        }
    }

    async fn ask<B: Serialize + DynamicType>(
        &mut self,
        to: &str,
        path: &str,
        member: &str,
        body: &B,
    ) -> Result<Message, CallError> {
        let interface = if to == NAME { MANAGER } else { to };
        self.call(to, path, interface, member, body).await
    }

    async fn next(&mut self) -> PeerEvent {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("in time").expect("a connection")
    }

    async fn signal(&mut self) -> (String, Message) {
        loop {
            if let PeerEvent::Signal(message) = self.next().await
                && message.header().path().is_some_and(|path| path.as_str().starts_with(ROOT))
                && (member(&message) == "InterfacesAdded"
                    || member(&message) == "InterfacesRemoved"
                    || message.header().path().is_some_and(|path| path.as_str() == LINK))
            {
                return (member(&message), message);
            }
        }
    }

    /// Waits for the watcher, by its name.
    async fn wait(&mut self) {
        for _ in 0..400 {
            if self.ask(NAME, ROOT, "GetManagedObjects", &()).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nobody has the name {NAME}");
    }
}

fn local(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, future);
}

fn error_of(result: Result<Message, CallError>) -> String {
    result.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn devices_are_objects() {
    let Some(world) = World::start("objects") else { return };
    local(async {
        let mut client = Client::connect(&world).await;
        client.wait().await;
        world.replay("add", "\"CURRENT_TAGS\":\":systemd:\",\"SYSTEMD_WANTS\":\"a.service\"");
        let (name, message) = client.signal().await;
        assert_eq!(name, "InterfacesAdded");
        let (path, interfaces) = arguments::<(OwnedObjectPath, Interfaces)>(&message).unwrap();
        assert_eq!(path.as_str(), LINK);
        assert_eq!(interfaces[UNIT].len(), 7);
        assert_eq!(client.signal().await.0, "Event");

        // Another wish: the property that changes, and no other.
        world.replay("change", "\"CURRENT_TAGS\":\":systemd:\",\"SYSTEMD_WANTS\":\"a.service b.service\"");
        let (name, message) = client.signal().await;
        assert_eq!(name, "PropertiesChanged");
        let (interface, changed, invalidated) =
            arguments::<(String, HashMap<String, OwnedVariant>, Vec<String>)>(&message).unwrap();
        assert_eq!((interface.as_str(), invalidated.len()), (UNIT, 0));
        assert_eq!(changed.keys().collect::<Vec<_>>(), ["Wants"]);
        let (name, message) = client.signal().await;
        assert_eq!((name.as_str(), arguments::<(String,)>(&message).unwrap().0.as_str()), ("Event", "change"));

        let got = client.call(NAME, LINK, PROPERTIES, "Get", &(UNIT, "State")).await.unwrap();
        let (state,) = arguments::<(OwnedVariant,)>(&got).unwrap();
        assert_eq!(String::try_from(state).unwrap(), "plugged");
        let all = client.call(NAME, LINK, PROPERTIES, "GetAll", &(UNIT,)).await.unwrap();
        assert_eq!(arguments::<(HashMap<String, OwnedVariant>,)>(&all).unwrap().0.len(), 7);
        let managed = client.ask(NAME, ROOT, "GetManagedObjects", &()).await.unwrap();
        let (managed,) = arguments::<(HashMap<OwnedObjectPath, Interfaces>,)>(&managed).unwrap();
        assert!(managed.keys().any(|path| path.as_str() == LINK));
        let xml = client.call(NAME, LINK, "org.freedesktop.DBus.Introspectable", "Introspect", &()).await.unwrap();
        assert!(arguments::<(String,)>(&xml).unwrap().0.contains("SysfsPath"));

        world.replay("remove", "");
        assert_eq!(client.signal().await.0, "Event");
        let (name, message) = client.signal().await;
        assert_eq!(name, "InterfacesRemoved");
        assert_eq!(arguments::<(OwnedObjectPath, Vec<String>)>(&message).unwrap().1, [UNIT]);
        let gone = error_of(client.call(NAME, LINK, PROPERTIES, "GetAll", &(UNIT,)).await);
        assert!(gone.contains("UnknownObject"), "{gone}");
    });
}

#[test]
fn nobody_can_change_anything() {
    let Some(world) = World::start("read-only") else { return };
    local(async {
        let mut client = Client::connect(&world).await;
        client.wait().await;
        world.replay("add", "\"CURRENT_TAGS\":\":systemd:\"");
        let set = (UNIT, "State", zbus::Variant::from("dead"));
        let refused = error_of(client.call(NAME, LINK, PROPERTIES, "Set", &set).await);
        assert!(refused.contains("PropertyReadOnly"), "{refused}");
        // Though the private socket takes events here.
        let event = r#"{"action":"remove","syspath":"/sys/devices/virtual/net/testlink0"}"#;
        let refused = error_of(client.call(NAME, ROOT, NAME, "Inject", &(event,)).await);
        assert!(refused.contains("AccessDenied"), "{refused}");
        let unknown = error_of(client.call(NAME, LINK, UNIT, "Inject", &(event,)).await);
        assert!(unknown.contains("UnknownMethod"), "{unknown}");
        let nonsense = error_of(client.call(NAME, LINK, PROPERTIES, "Get", &(7u32,)).await);
        assert!(nonsense.contains("InvalidArgs"), "{nonsense}");
        client.call(NAME, LINK, PROPERTIES, "Get", &(UNIT, "State")).await.unwrap();
    });
}

#[test]
fn a_bus_that_comes_back() {
    let Some(mut world) = World::start("back") else { return };
    local(async {
        Client::connect(&world).await.wait().await;
        let mut bus = world.children.remove(0);
        bus.kill().unwrap();
        bus.wait().unwrap();
        let _ = fs::remove_file(world.dir.join("bus"));
        world.replay("add", "\"CURRENT_TAGS\":\":systemd:\"");
        world.start_bus();
        let mut client = Client::connect(&world).await;
        client.wait().await;
        client.call(NAME, LINK, PROPERTIES, "Get", &(UNIT, "State")).await.expect("what came meanwhile is there");
    });
}

/// The clients of the documentation are the files in `examples/`, and the one in Python works.
#[test]
fn the_documented_clients() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documentation = fs::read_to_string(root.join("../../docs/device-watcher.md")).unwrap();
    for file in ["devices.py", "devices.rs"] {
        let text = fs::read_to_string(root.join("examples").join(file)).unwrap();
        assert!(documentation.contains(&text), "docs/device-watcher.md shows examples/{file} as it is");
    }
    let modules = Command::new("/usr/bin/python3").args(["-c", "import dbus, gi"]).stderr(Stdio::null()).status();
    if !modules.is_ok_and(|status| status.success()) {
        return eprintln!("skipped: needs python3-dbus and python3-gi");
    }
    let Some(world) = World::start("python") else { return };
    local(async { Client::connect(&world).await.wait().await });
    let mut client = Command::new("/usr/bin/python3")
        .args(["-u".as_ref(), root.join("examples/devices.py").as_os_str()])
        .env("DBUS_SYSTEM_BUS_ADDRESS", &world.address)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(client.stdout.take().unwrap()).lines();
    // It may not listen yet: plug until it says so.
    let (seen, said) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let wanted = |line: &String| line == &format!("plugged {LINK}");
        let _ = seen.send(lines.map_while(Result::ok).any(|line| wanted(&line)));
    });
    let mut heard = false;
    for _ in 0..40 {
        world.replay("add", "\"CURRENT_TAGS\":\":systemd:\"");
        world.replay("remove", "");
        if let Ok(found) = said.recv_timeout(Duration::from_millis(250)) {
            heard = found;
            break;
        }
    }
    let _ = client.kill();
    let _ = client.wait();
    reader.join().unwrap();
    assert!(heard, "the client in Python hears of a device");
}
