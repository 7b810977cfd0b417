#!/usr/bin/env python3
"""A server of Type=notify for overlapping restarts: sends each line back; to "slow" it says "begun PID", and "done PID" once
the file /run/finish is there.

It isn't ready while /run/slow-start is there, and fails at the start if /run/fail is. SIGTERM lets it finish what it accepted.
"""
import os
import select
import signal
import socket
import sys
import threading
import time

pid = os.getpid()


def tell(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(os.environ["NOTIFY_SOCKET"])
        s.send(text.encode())


def serve(connection):
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            if line == b"slow\n":
                stream.write(f"begun {pid}\n".encode())
                stream.flush()
                while not os.path.exists("/run/finish"):
                    time.sleep(0.02)
                stream.write(f"done {pid}\n".encode())
                return
            stream.write(line)
            stream.flush()


listeners = [socket.socket(fileno=3 + n) for n in range(int(os.environ["LISTEN_FDS"]))]
for listener in listeners:
    listener.setblocking(False)
wake_out, wake_in = os.pipe()
for end in wake_out, wake_in:
    os.set_blocking(end, False)
signal.signal(signal.SIGTERM, lambda *_: None)
signal.set_wakeup_fd(wake_in)
if os.path.exists("/run/fail"):
    sys.exit(3)
while os.path.exists("/run/slow-start"):
    time.sleep(0.02)
tell("READY=1")
while True:
    ready, _, _ = select.select([*listeners, wake_out], [], [])
    if wake_out in ready:
        break
    for listener in ready:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            # The other instance was faster.
            continue
        connection.setblocking(True)
        threading.Thread(target=serve, args=[connection]).start()
