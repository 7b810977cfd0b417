import dbus, dbus.mainloop.glib
from gi.repository import GLib

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SystemBus()
root = dbus.Interface(bus.get_object("org.quintet.Devices1", "/org/quintet/Devices1"), "org.freedesktop.DBus.ObjectManager")
for path, interfaces in root.GetManagedObjects().items():
    print(interfaces["org.quintet.Devices1.Unit"]["Name"])
root.connect_to_signal("InterfacesAdded", lambda path, interfaces: print("plugged", path))
root.connect_to_signal("InterfacesRemoved", lambda path, interfaces: print("unplugged", path))
GLib.MainLoop().run()
