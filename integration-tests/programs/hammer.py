#!/usr/bin/env python3
"""hammer.py COUNT PROCESSES ADDRESS...: COUNT connections as fast as they are answered, spread over the addresses (a path, or
a port of 127.0.0.1); each sends a line of its own and must get it back. Prints what became of them."""
import multiprocessing
import os
import socket
import sys


def connect(address, number):
    if address.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(60)
        s.connect(address)
        return s
    s = socket.socket()
    s.settimeout(60)
    # Sources of their own: the ports of one would run out.
    s.bind((f"127.0.{number % 4}.{os.getpid() % 200 + 10}", 0))
    s.connect(("127.0.0.1", int(address)))
    return s


def hammer(first, count, addresses, results):
    seen = {"good": 0, "refused": 0, "lost": 0}
    complaint = ""
    for number in range(first, first + count):
        line = f"{number}\n".encode()
        address = addresses[number % len(addresses)]
        try:
            with connect(address, number) as s:
                s.sendall(line)
                answer = b""
                while not answer.endswith(b"\n"):
                    more = s.recv(100)
                    if not more:
                        break
                    answer += more
            seen["good" if answer == line else "lost"] += 1
            if answer != line:
                complaint = f"{address}: {answer!r} for {line!r}"
        except ConnectionRefusedError as error:
            seen["refused"] += 1
            complaint = f"{address}: {error}"
        except OSError as error:
            seen["lost"] += 1
            complaint = f"{address}: {error!r} for {line!r}"
    results.put((seen, complaint))


total, processes, addresses = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
results = multiprocessing.Queue()
share = total // processes
workers = [
    multiprocessing.Process(target=hammer, args=(n * share, share, addresses, results)) for n in range(processes)
]
for worker in workers:
    worker.start()
sums = {"good": 0, "refused": 0, "lost": 0}
for _ in workers:
    seen, complaint = results.get()
    for key, value in seen.items():
        sums[key] += value
    if complaint:
        print(complaint, file=sys.stderr)
print(sums["good"], "good", sums["refused"], "refused", sums["lost"], "lost")
