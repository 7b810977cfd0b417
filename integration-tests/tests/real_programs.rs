//! Servers of Debian packages take their sockets from Quintet, with the unit files that they are packaged with.

use std::fs;
use std::path::Path;

use integration_tests::{Builder, Place, needs, packages};

/// A unit file as packaged, from the unpacked packages.
fn packaged(place: Builder, root: &Path, name: &str) -> Builder {
    let text = fs::read_to_string(root.join("usr/lib/systemd/system").join(name)).expect("the package has the unit");
    place.unit(name, &text)
}

#[test]
fn rpcbind_takes_five_sockets() {
    let Some(root) = needs::root().then(|| packages::unpacked(&["rpcbind"])).flatten() else { return };
    let place = Place::system().root(&root);
    let place = packaged(packaged(place, &root, "rpcbind.socket"), &root, "rpcbind.service").boot();
    place.bash("echo '_rpc:x:987:65534::/run/rpcbind:/usr/sbin/nologin' >> /etc/passwd").good();
    place.systemctl(&["enable", "--now", "rpcbind.socket"]).good();
    assert_eq!(place.state("rpcbind.service"), "inactive/dead");
    let answer = place.run(&["rpcinfo", "-p", "127.0.0.1"]).good();
    assert!(answer.contains("portmapper"), "{answer}");
    place.wait_state("rpcbind.service", "active/running");
    let unix = place.run(&["rpcinfo", "-s"]).good();
    assert!(unix.contains("portmapper") && unix.contains("local"), "{unix}");
}

#[test]
fn cups_takes_its_socket() {
    let Some(root) = needs::root().then(|| packages::unpacked(&["cups-daemon"])).flatten() else { return };
    let place = Place::system().root(&root);
    let place = packaged(packaged(place, &root, "cups.socket"), &root, "cups.service").boot();
    place.bash("cp /usr/share/cups/cupsd.conf.default /etc/cups/cupsd.conf; getent group lpadmin || echo lpadmin:x:986: >> /etc/group").good();
    place.systemctl(&["start", "cups.socket"]).good();
    assert_eq!(place.state("cups.service"), "inactive/dead");
    let ask = "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect('/run/cups/cups.sock'); \
               s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n'); print(s.recv(99).split(b'\\r\\n')[0].decode())";
    let answer = place.run(&["python3", "-c", ask]).good();
    assert!(answer.starts_with("HTTP/1."), "{answer}");
    place.wait_state("cups.service", "active/running");
    assert_eq!(place.property("cups.service", "StatusText"), "Scheduler is running...");
    place.systemctl(&["stop", "cups.service"]).good();
    place.wait_state("cups.socket", "inactive/dead"); // PartOf=cups.service
    assert_ne!(place.run(&["test", "-e", "/run/cups/cups.sock"]).code, 0, "RemoveOnStop=on");
}

const SSHD: &str = "mkdir -p /run/sshd; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; \
    ssh-keygen -q -t ed25519 -N '' -f /run/key; cp /run/key.pub /etc/ssh/authorized; \
    echo 'sshd:x:985:65534::/run/sshd:/usr/sbin/nologin' >> /etc/passwd; \
    printf 'UsePAM no\\nStrictModes no\\nAuthorizedKeysFile /etc/ssh/authorized\\nPermitRootLogin yes\\n' > /etc/ssh/sshd_config";
const SSH: &str = "ssh -i /run/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    root@127.0.0.1 'echo \"said by $(id -un)\"'";

#[test]
fn sshd_takes_the_listening_socket() {
    let Some(root) = needs::root().then(|| packages::unpacked(&["openssh-server"])).flatten() else { return };
    let place = Place::system().root(&root);
    let place = packaged(packaged(place, &root, "ssh.socket"), &root, "ssh.service").boot();
    place.bash(SSHD).good();
    place.systemctl(&["start", "ssh.socket"]).good();
    for _ in 0..3 {
        assert_eq!(place.bash(SSH).good(), "said by root");
    }
    assert_eq!(place.state("ssh.service"), "active/running");
}

#[test]
fn sshd_takes_single_connections() {
    let Some(root) = needs::root().then(|| packages::unpacked(&["openssh-server"])).flatten() else { return };
    let service = "[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\n";
    let place = Place::system().root(&root).unit("ssh.socket", "[Socket]\nListenStream=22\nAccept=yes\n");
    let place = place.unit("ssh@.service", service).boot();
    place.bash(SSHD).good();
    place.systemctl(&["start", "ssh.socket"]).good();
    for _ in 0..3 {
        assert_eq!(place.bash(SSH).good(), "said by root");
    }
    assert_eq!(place.property("ssh.socket", "NAccepted"), "3");
    assert_eq!(place.property("ssh.socket", "Accept"), "yes");
}

#[test]
fn python_takes_named_sockets() {
    let Some(root) = needs::root().then(|| packages::unpacked(&["python3-systemd"])).flatten() else { return };
    let server = "\
import socket
from systemd import daemon
names = daemon.listen_fds_with_names()
for fd, name in names.items():
    assert daemon.is_socket_inet(fd, socket.AF_INET6, socket.SOCK_STREAM, 1, 0) or daemon.is_socket_unix(fd)
daemon.notify('READY=1\\nSTATUS=' + ' '.join(f'{fd}={name}' for fd, name in names.items()))
listening = [socket.socket(fileno=fd) for fd in names]
while True:
    connection, _ = listening[0].accept()
    connection.sendall(b'from python\\n')
    connection.close()
";
    let place = Place::system()
        .root(&root)
        .unit("py.socket", "[Socket]\nListenStream=3300\nListenStream=/run/py.sock\nFileDescriptorName=web\n")
        .unit("py.service", "[Service]\nType=notify\nExecStart=/usr/bin/python3 /usr/lib/systemd/system/server.txt\n")
        .unit("server.txt", server)
        .boot();
    place.systemctl(&["start", "py.socket"]).good();
    assert_eq!(place.greet(3300).as_deref(), Ok("from python"));
    assert_eq!(place.property("py.service", "StatusText"), "3=web 4=web");
}

#[test]
fn proxyd_stands_before_a_server_that_knows_nothing_of_sockets() {
    let proxy = "/usr/lib/systemd/systemd-socket-proxyd";
    if !needs::root() || !Path::new(proxy).exists() {
        return;
    }
    let behind = "import socketserver\nclass H(socketserver.StreamRequestHandler):\n  def handle(self):\n    \
                  self.wfile.write(b'from behind\\n')\nsocketserver.TCPServer(('127.0.0.1', 3400), H).serve_forever()\n";
    let place = Place::system()
        .unit("proxy.socket", "[Socket]\nListenStream=3399\n")
        .unit(
            "proxy.service",
            &format!("[Unit]\nRequires=behind.service\nAfter=behind.service\n[Service]\nExecStart={proxy} 127.0.0.1:3400\nPrivateTmp=yes\n"),
        )
        .unit(
            "behind.service",
            "[Service]\nExecStart=/usr/bin/python3 /usr/lib/systemd/system/behind.txt\n\
             ExecStartPost=/bin/bash -c 'until : < /dev/tcp/127.0.0.1/3400; do sleep 0.05; done'\n",
        )
        .unit("behind.txt", behind)
        .boot();
    place.systemctl(&["start", "proxy.socket"]).good();
    for _ in 0..3 {
        assert_eq!(place.greet(3399).as_deref(), Ok("from behind"));
    }
    assert_eq!(place.state("behind.service"), "active/running");
}

#[test]
fn a_bus_takes_its_socket() {
    if !needs::root() || !needs::message_bus() {
        return;
    }
    let place = Place::system()
        .unit("dbus.socket", "[Unit]\nDescription=D-Bus System Message Bus Socket\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n")
        .unit(
            "dbus.service",
            "[Unit]\nRequires=dbus.socket\n[Service]\nType=notify\nNotifyAccess=main\n\
             ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n\
             OOMScoreAdjust=-900\n",
        )
        .boot();
    place.systemctl(&["start", "dbus.socket"]).good();
    assert_eq!(place.state("dbus.service"), "inactive/dead");
    let answer = place
        .run(&[
            "busctl",
            "--no-pager",
            "call",
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "GetId",
        ])
        .good();
    assert!(answer.starts_with("s \""), "{answer}");
    place.wait_state("dbus.service", "active/running");
}
