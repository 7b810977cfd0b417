#!/usr/bin/python3
"""sockets.py [PATH]: lists the socket units of a socket-activator and what their descriptors listen on (Debian: python3-gi).

PATH is that of its bus, /run/quintet/socket-activator.bus by default."""
import socket
import sys

from gi.repository import Gio, GLib

path = sys.argv[1] if len(sys.argv) > 1 else "/run/quintet/socket-activator.bus"
peer = Gio.DBusConnection.new_for_address_sync(
    f"unix:path={path}", Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT, None, None
)


def call(interface, method, arguments=None):
    reply, fds = peer.call_with_unix_fd_list_sync(
        None, "/org/quintet", interface, method, arguments, None, Gio.DBusCallFlags.NONE, 5000, None, None
    )
    return reply.unpack()[0], fds


units, _ = call("org.quintet.Worker1", "List")
for name, active, sub, result, flags, cause, properties in units:
    print(name, f"{active}/{sub}", *(f"{key}={properties[key]}" for key in ("NConnections", "NAccepted", "NRefused")))
    descriptors, fds = call("org.quintet.Sockets1", "Fds", GLib.Variant("(s)", (name,)))
    for label, index in descriptors:
        listening = socket.socket(fileno=fds.get(index))
        print("   ", label, listening.getsockname())
