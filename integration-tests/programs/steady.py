#!/usr/bin/env python3
"""steady.py FILE ADDRESS...: connects to the addresses (a path, or a port of 127.0.0.1) in turn, sends a line of its own and
wants it back, until FILE is there. Prints what became of the connections, and how long the slowest took."""
import os
import socket
import sys
import time

end, addresses = sys.argv[1], sys.argv[2:]
good = refused = lost = number = 0
slowest = 0.0
while not os.path.exists(end):
    address = addresses[number % len(addresses)]
    number += 1
    line = f"{number}\n".encode()
    since = time.monotonic()
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX if address.startswith("/") else socket.AF_INET) as s:
            s.settimeout(60)
            s.connect(address if address.startswith("/") else ("127.0.0.1", int(address)))
            s.sendall(line)
            while not answer.endswith(b"\n") and (more := s.recv(100)):
                answer += more
        if answer == line:
            good += 1
        else:
            lost += 1
    except ConnectionRefusedError:
        refused += 1
    except OSError:
        lost += 1
    slowest = max(slowest, time.monotonic() - since)
    time.sleep(0.001)
print(good, refused, lost, int(slowest * 1000))
