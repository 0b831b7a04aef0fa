#!/usr/bin/python3
"""Load on an MQTT server with TLS for the system tests: new connections without end, and open ones that must stay.

usage: tls_load.py PORT CA USER PASSWORD   (runs until standard input ends)
Prints "ready" once everything runs, and at the end one JSON document: handshakes (how many), failures (what went wrong
with new connections), dropped (open connections that ended), pings (answers on the open ones) and serials (of the
certificates seen, in the order of their first appearance).
"""
import json
import pathlib
import socket
import ssl
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))
import packets  # noqa: E402

THREADS, OPEN = 3, 8
port, ca, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4].encode()
context = ssl.create_default_context(cafile=ca)
ending = threading.Event()
lock = threading.Lock()
seen = {"handshakes": 0, "pings": 0, "failures": [], "dropped": [], "serials": []}


def dial():
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    try:
        return context.wrap_socket(raw, server_hostname="localhost")
    except BaseException:
        raw.close()
        raise


def receive(connection, size):
    data = b""
    while len(data) < size:
        got = connection.recv(size - len(data))
        if not got:
            raise ConnectionError("closed by the server")
        data += got
    return data


def new_connections(number):
    """Each one goes as far as the answer to a CONNECT without credentials, which is a refusal."""
    hello = packets.connect(4, f"stranger-{number}")
    while not ending.is_set():
        try:
            with dial() as connection:
                connection.sendall(hello)
                answer = receive(connection, 4)
                serial = connection.getpeercert()["serialNumber"]
            if answer[0] != packets.CONNACK << 4 or answer[3] == 0:
                raise ValueError(f"{answer.hex()} instead of a refusal")
        except (OSError, ValueError) as error:
            with lock:
                seen["failures"].append(str(error))
            continue
        with lock:
            seen["handshakes"] += 1
            if serial not in seen["serials"]:
                seen["serials"].append(serial)


def open_connections(connections):
    ping = packets.packet(packets.PINGREQ)
    while connections and not ending.is_set():
        for connection in list(connections):
            try:
                connection.sendall(ping)
                if receive(connection, 2)[0] != packets.PINGRESP << 4:
                    raise ValueError("no PINGRESP")
                seen["pings"] += 1
            except (OSError, ValueError) as error:
                seen["dropped"].append(str(error))
                connections.remove(connection)


opened = []
for index in range(OPEN):
    opened.append(dial())
    opened[-1].sendall(packets.connect(4, f"open-{index}", user=user, password=password))
    if receive(opened[-1], 4)[3] != 0:
        sys.exit("not admitted")
workers = [threading.Thread(target=new_connections, args=(index,)) for index in range(THREADS)]
workers.append(threading.Thread(target=open_connections, args=(opened,)))
for worker in workers:
    worker.start()
print("ready", flush=True)
sys.stdin.read()
ending.set()
for worker in workers:
    worker.join()
print(json.dumps(seen), flush=True)
