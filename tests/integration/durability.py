#!/usr/bin/python3
"""Kills jlinkd with SIGKILL at random points of a storm of mutations and QoS 1 publishes, again and again.

After each restart: every acknowledged mutation and every acknowledged message is there, nothing is half there (a
transaction wholly or not at all, every reference leads somewhere), and no revision went backwards.

usage: durability.py [--rounds N] [--seed N]     the programs are in $JL_BIN (default build/release/bin)
"""
import argparse
import calendar
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("JL_BIN", os.path.join(SOURCE, "build/release/bin"))
MUTATORS, REPORTERS = 4, 3


class Gone(Exception):
    """The daemon is not there (any more); what was asked last may or may not have happened."""


class Wrong(Exception):
    """What the daemon holds contradicts what it acknowledged."""


class Api:
    """One keep-alive connection to the control socket."""

    def __init__(self, path):
        self.path = path
        self.connection = None

    def call(self, method, target, body=None):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("jlinkd", timeout=30)
                self.connection.sock = socket.socket(socket.AF_UNIX)
                self.connection.sock.settimeout(30)
                self.connection.sock.connect(self.path)
            data = None if body is None else json.dumps(body)
            self.connection.request(method, target, data, {"Content-Type": "application/json"})
            reply = self.connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection = None
            raise Gone(str(error)) from error
        return reply.status, json.loads(text) if text else None

    def items(self, target):
        status, body = self.call("GET", target)
        if status != 200:
            raise Wrong(f"GET {target}: {status} {body}")
        return body["items"]


class Daemon:
    def __init__(self, home):
        self.home, self.socket = home, os.path.join(home, "control.sock")
        self.config, self.log = os.path.join(home, "jlinkd.yaml"), os.path.join(home, "jlinkd.log")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"stateDir: {home}/state\ncontrol: {{socket: {self.socket}, group: \"{os.getgid()}\"}}\n"
                       "message: {retention: {perDevice: 10000000}}\nlog: {level: warn}\n")
        self.process = None

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([os.path.join(BIN, "jlinkd"), "--config", self.config], stdout=log, stderr=log)

    def wait_ready(self):
        subprocess.run([os.path.join(BIN, "jlctl"), "daemon", "wait", "--wait-timeout", "30s", "--socket", self.socket],
                       check=True, stdout=subprocess.DEVNULL)

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        return self.process.wait(30)


class Mutator:
    """Creates, edits and deletes products with devices, and remembers what must be true of them."""

    def __init__(self, name, path, rng):
        self.name, self.api, self.rng = name, Api(path), rng
        self.expected = {}      # "product/x" -> description, or None once it has been deleted
        self.in_flight = None   # what the unanswered call would make true, likewise
        self.counter, self.acknowledged, self.revision = 0, 0, 0

    def run(self, stop):
        try:
            while not stop.is_set():
                self.step()
        except Gone:
            pass

    def step(self):
        self.counter += 1
        text = f"{self.name} {self.counter}"
        products = [k for k, v in self.expected.items() if k.startswith("product/") and v is not None]
        dice = self.rng.random()
        if dice < 0.35 or not products:
            group = f"{self.name}-{self.counter}"
            after = {f"product/{group}": text, f"device/{group}-a": text, f"device/{group}-b": text}
            documents = [{"kind": "product", "id": group, "description": text, "spec": {}}]
            documents += [{"kind": "device", "id": f"{group}-{x}", "description": text, "spec": {"productId": group}} for x in "ab"]
            self.attempt(after, "POST", "/v1/apply", {"documents": documents})
            return
        key = self.rng.choice(products)
        group = key.split("/")[1]
        if dice < 0.75:
            kind, name = self.rng.choice([("product", group), ("device", group + "-a"), ("device", group + "-b")])
            if self.expected.get(f"{kind}/{name}") is None:
                return
            self.attempt({f"{kind}/{name}": text}, "PATCH", f"/v1/{kind}s/{name}", {"description": text})
        elif dice < 0.85:
            self.attempt({f"product/single-{self.name}-{self.counter}": text}, "POST", "/v1/products",
                         {"id": f"single-{self.name}-{self.counter}", "description": text})
        else:
            for member in (f"device/{group}-a", f"device/{group}-b", key):
                if self.expected.get(member) is not None:
                    kind, name = member.split("/")
                    self.attempt({member: None}, "DELETE", f"/v1/{kind}s/{name}")

    def attempt(self, after, method, target, body=None):
        self.in_flight = after
        status, reply = self.api.call(method, target, body)
        if status not in (200, 201):
            raise Wrong(f"{method} {target}: {status} {reply}")
        if reply["revision"] <= self.revision:
            raise Wrong(f"{method} {target}: revision {reply['revision']} after {self.revision}")
        self.revision = reply["revision"]
        self.expected.update(after)
        self.in_flight = None
        self.acknowledged += 1

    def check(self, actual):
        for key, want in self.expected.items():
            have = actual.get(key)
            if have != want and not (self.in_flight and key in self.in_flight and have == self.in_flight[key]):
                raise Wrong(f"{key}: acknowledged {want!r}, found {have!r}")
        if self.in_flight:
            happened = {actual.get(key) == value for key, value in self.in_flight.items()}
            if len(happened) != 1:
                raise Wrong(f"half there: {self.in_flight} against {[actual.get(k) for k in self.in_flight]}")
            if happened == {True}:
                self.expected.update(self.in_flight)
            self.in_flight = None


class Reporter:
    """A device that reports ever larger numbers with QoS 1, several at a time."""

    def __init__(self, device):
        self.device = device
        self.sent, self.acknowledged = 0, set()   # numbers; those with a PUBACK
        self.before = 0                           # how many had been sent, and when, before this round
        self.since = 0

    def connect(self, port):
        link = socket.create_connection(("127.0.0.1", port), 10)
        link.settimeout(30)
        user = f"{self.device}|{int(time.time() * 1000)}"
        password = hashlib.md5(f"{user}|key".encode()).hexdigest()
        body = b"\x00\x04MQTT\x04\xc2\x00\x00" + b"".join(text(x) for x in (self.device, user, password))
        link.sendall(b"\x10" + length(len(body)) + body)
        reply = exactly(link, 4)
        if reply[3] != 0:
            raise Wrong(f"{self.device}: CONNACK {reply[3]}")
        return link

    def run(self, port, stop):
        self.before, self.since = self.sent, int(time.time() * 1000) - 1000
        try:
            link = self.connect(port)
            while not stop.is_set():
                window, batch = {}, b""
                for packet_id in range(1, 9):
                    self.sent += 1
                    window[packet_id] = self.sent
                    payload = json.dumps({"properties": {"n": self.sent}}).encode()
                    body = text(f"/reports/{self.device}/properties/report") + struct.pack(">H", packet_id) + payload
                    batch += b"\x32" + length(len(body)) + body
                link.sendall(batch)
                while window:
                    kind, _, packet_id = struct.unpack(">BBH", exactly(link, 4))
                    if kind != 0x40:
                        raise Wrong(f"{self.device}: packet {kind:#x} instead of PUBACK")
                    self.acknowledged.add(window.pop(packet_id))
        except (OSError, Gone):
            pass

    def check(self, api, latest, everything):
        if not self.acknowledged:
            return
        stored = self.stored(api, 946684800000 if everything else self.since)
        missing = {n for n in self.acknowledged if everything or n > self.before} - stored
        if missing:
            raise Wrong(f"{self.device}: {len(missing)} acknowledged messages are missing, first {min(missing)}")
        if stored and max(stored) > self.sent:
            raise Wrong(f"{self.device}: {max(stored)} was never sent")
        if latest is None or latest < max(self.acknowledged):
            raise Wrong(f"{self.device}: latest value {latest}, acknowledged {max(self.acknowledged)}")

    def stored(self, api, since):
        """The numbers of the messages stored since then, newest first, page by page."""
        numbers, until = set(), None
        while True:
            query = {"limit": 5000, "type": "REPORT_PROPERTY", "since": since} | ({"until": until} if until else {})
            page = api.items(f"/v1/devices/{self.device}/messages?{urllib.parse.urlencode(query)}")
            new = {int(m["message"]["properties"]["n"]) for m in page} - numbers
            numbers |= new
            if len(page) < 5000 or not new:
                return numbers
            until = after(page[-1]["time"])


def after(stamp):
    """An RFC 3339 time as epoch ms, plus one: `until` is exclusive and messages may share a millisecond."""
    moment, fraction = stamp.rstrip("Z").partition(".")[::2]
    seconds = calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%S"))
    return seconds * 1000 + int((fraction + "000")[:3]) + 1


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


def length(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128, value >> 7])


def exactly(link, count):
    data = b""
    while len(data) < count:
        got = link.recv(count - len(data))
        if not got:
            raise Gone("closed")
        data += got
    return data


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def provision(api, port, reporters):
    documents = [
        {"kind": "network", "id": "mqtt", "spec": {"type": "MQTT_SERVER", "configuration": {"host": "127.0.0.1", "port": port}}},
        {"kind": "protocol", "id": "official", "spec": {"configuration": {"builtin": "jetlinks-official"}}},
        {"kind": "gateway", "id": "gw", "spec": {"provider": "mqtt-server-gateway", "channelId": "mqtt", "protocol": "official"}},
        {"kind": "product", "id": "reports", "enabled": True,
         "spec": {"accessId": "gw", "metadata": {"properties": [{"id": "n", "name": "n", "valueType": {"type": "long"}}]}}}]
    documents += [{"kind": "device", "id": r.device, "enabled": True,
                   "spec": {"productId": "reports", "configuration": {"secureId": r.device, "secureKey": "key"}}} for r in reporters]
    status, reply = api.call("POST", "/v1/apply", {"documents": documents})
    if status != 200:
        raise Wrong(f"provisioning: {status} {reply}")


def check(api, mutators, reporters, last_revision, everything):
    products, devices = api.items("/v1/products"), api.items("/v1/devices")
    actual = {f"product/{p['id']}": p.get("description", "") for p in products}
    actual |= {f"device/{d['id']}": d.get("description", "") for d in devices}
    for mutator in mutators:
        mutator.check(actual)
    for device in devices:
        if f"product/{device['spec']['productId']}" not in actual:
            raise Wrong(f"device/{device['id']} refers to a product that is not there")
    revision = api.call("GET", "/v1/status")[1]["revision"]
    known = max([last_revision] + [m.revision for m in mutators])
    if revision < known:
        raise Wrong(f"revision {revision} after {known} was acknowledged")
    ahead = [x["id"] for x in products + devices if x["revision"] > revision]
    if ahead:
        raise Wrong(f"revision of {ahead} is above the store's {revision}")
    for reporter in reporters:
        state = api.call("GET", f"/v1/devices/{reporter.device}/state")[1]
        latest = state.get("properties", {}).get("n", {}).get("value")
        reporter.check(api, latest, everything)
    return revision


def storm(daemon, port, mutators, reporters, rng):
    stop = threading.Event()
    threads = [threading.Thread(target=guarded, args=(m, m.run, stop)) for m in mutators]
    threads += [threading.Thread(target=guarded, args=(r, r.run, port, stop)) for r in reporters]
    for thread in threads:
        thread.start()
    stop.wait(rng.uniform(0.02, 0.5))  # the random point; nothing is waited for
    daemon.kill()
    stop.set()
    for thread in threads:
        thread.join(60)
    for worker in mutators + reporters:
        if getattr(worker, "failure", None):
            raise worker.failure


def guarded(worker, run, *arguments):
    try:
        run(*arguments)
    except Exception as problem:  # a bug of the test is a failure too
        worker.failure = problem if isinstance(problem, Wrong) else Wrong(repr(problem))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)

    home = tempfile.mkdtemp(prefix="jlinkd-durability.")
    daemon, port = Daemon(home), free_port()
    mutators = [Mutator(f"m{i}", daemon.socket, random.Random(rng.random())) for i in range(MUTATORS)]
    reporters = [Reporter(f"r{i}") for i in range(REPORTERS)]
    revision = 0
    try:
        daemon.spawn()
        daemon.wait_ready()
        provision(Api(daemon.socket), port, reporters)
        for number in range(1, options.rounds + 1):
            storm(daemon, port, mutators, reporters, rng)
            if number % 5 == 0:  # and once more while it is starting
                daemon.spawn()
                threading.Event().wait(rng.uniform(0.0, 0.1))
                daemon.kill()
            daemon.spawn()
            daemon.wait_ready()
            revision = check(Api(daemon.socket), mutators, reporters, revision, number == options.rounds)
            if number % 10 == 0:
                print(f"{number} kills, {sum(m.acknowledged for m in mutators)} mutations and "
                      f"{sum(len(r.acknowledged) for r in reporters)} messages acknowledged and there", flush=True)
        if daemon.kill(signal.SIGTERM) != 0:
            raise Wrong("the daemon did not stop with 0")
    except (Wrong, Gone, subprocess.CalledProcessError) as problem:
        print(f"FAILED (seed {options.seed}): {problem}", flush=True)
        with open(daemon.log, encoding="utf-8", errors="replace") as log:
            sys.stdout.writelines(log.readlines()[-40:])
        return 1
    finally:
        if daemon.process and daemon.process.poll() is None:
            daemon.kill()
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
