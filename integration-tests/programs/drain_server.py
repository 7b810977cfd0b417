#!/usr/bin/env python3
"""Serves the sockets it is passed: reads a line, appends it to the file of the first argument, sends it back.

SIGTERM lets it finish what it accepted, and nothing more: what waits in the backlog is for the next one.
"""
import os
import select
import signal
import socket
import sys

log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
listeners = [socket.socket(fileno=3 + n) for n in range(int(os.environ["LISTEN_FDS"]))]
wake_out, wake_in = os.pipe()
for end in wake_out, wake_in:
    os.set_blocking(end, False)
stopping = False


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
signal.set_wakeup_fd(wake_in)
while not stopping:
    ready, _, _ = select.select([*listeners, wake_out], [], [])
    for listener in ready:
        if stopping or listener == wake_out:
            break
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(20)
            line = b""
            while not line.endswith(b"\n"):
                more = connection.recv(100)
                if not more:
                    break
                line += more
            os.write(log, line)
            connection.sendall(line)
