#!/usr/bin/python3
"""Many devices that are upgraded by one push task, each with a way of its own, and a look at every record afterwards.

usage: ota_fleet.py SOCKET MQTT_PORT PRODUCT TASK FIRST_VERSION VERSION COUNT RESPONSE_TIMEOUT MAX_IN_FLIGHT
Devices are fleet-1 to fleet-COUNT. Prints "ready" when all that are there at first are connected (make the task then),
"half" when half of them are upgraded, and what was wrong; exit code 0 when nothing was. It goes on when the daemon is
killed and comes back.
"""
import asyncio
import collections
import concurrent.futures
import json
import random
import sys
import time

from ota_client import Client, raise_file_limit
from ota_fetch import Broken, Download
from ota_watch import Watch, get

LIMIT = 300  # seconds for the whole
DOWNLOADS = 48  # at once

# What a device does with an upgrade, how many of a thousand do, and what is to become of its record.
KINDS = {
    "good": (600, "success"),  # reply, download with progress, complete
    "old": (80, "success"),  # as codecs before 3.0: no reply, and progress by version only
    "silent": (30, "failed"),  # nothing at all
    "quiet": (30, "success"),  # a download and no word until long after the response timeout, then complete
    "refusing": (40, "failed"),  # reply without success
    "broken": (40, "failed"),  # complete without success
    "dropping": (60, "success"),  # the connection breaks after a third; on from there
    "reporting": (40, "success"),  # restarts without "complete", reports its new version
    "answering": (40, "success"),  # the same, and only says its version when it is asked
    "late": (40, "success"),  # comes when a third of the others are done
}
DOWNLOADING = {"good", "old", "quiet", "broken", "dropping", "reporting", "answering", "late"}
NEVER_ANSWERS_READ = {"silent", "quiet", "reporting"}


class Device:
    def __init__(self, fleet, name, kind):
        self.fleet, self.name, self.kind, self.version = fleet, name, kind, fleet.first_version
        self.message = None  # what it was told
        self.times_told, self.acknowledged = 0, False
        self.client = Client(fleet.port, fleet.product, name, self.hear, self.fleet.joined, self._left)
        self.gone = asyncio.Event()

    def _left(self):
        self.gone.set()

    def hear(self, suffix, payload):
        message = json.loads(payload)
        if suffix == "firmware/upgrade":
            self._told(message)
        elif suffix == "firmware/read" and self.kind not in NEVER_ANSWERS_READ:
            self.send("firmware/read/reply", messageId=message["messageId"], version=self.version)

    def _told(self, message):
        self.times_told += 1
        if self.acknowledged:
            return self.fleet.wrong(f"{self.name} was told again after it had acknowledged")
        if self.message:
            if message["messageId"] != self.message["messageId"]:
                self.fleet.wrong(f"{self.name} was told {message['messageId']} after {self.message['messageId']}")
            return None
        self.message = message
        if (message["version"], message["signMethod"], message["parameters"]) != (
                self.fleet.version, "sha256", {"reboot": "auto"}):
            self.fleet.wrong(f"{self.name} was told {message}")
        return self.fleet.run(getattr(self, "be_" + self.kind)())

    def send(self, suffix, **body):
        return self.client.publish(suffix, json.dumps(body))

    async def reply(self, **body):
        await self.send("firmware/upgrade/reply", **{"messageId": self.message["messageId"], "success": True, **body})
        self.acknowledged = True

    def progress(self, percent, **body):
        if self.kind != "old":
            body["firmwareId"] = self.message["firmwareId"]
        sent = self.send("firmware/upgrade/progress", progress=percent, version=self.message["version"], **body)
        sent.add_done_callback(lambda _future: setattr(self, "acknowledged", True))
        return sent

    async def complete(self, **body):
        self.version = self.message["version"]
        await self.progress(100, **{"complete": True, "success": True, **body})

    async def download(self, cut_after=None):
        loop, say = asyncio.get_running_loop(), self.progress if self.kind not in ("quiet",) else lambda percent: None
        download = Download(self.message["url"], self.message["size"], self.message["sign"],
                            lambda percent: loop.call_soon_threadsafe(say, percent))
        await loop.run_in_executor(self.fleet.pool, download.run, cut_after)
        return download

    async def restart(self):
        """Comes back with the new version, and says nothing about how it got it."""
        self.gone.clear()
        is_there = self.client.connected
        self.client.leave()
        if is_there:
            await self.gone.wait()
        self.version = self.message["version"]
        self.client.join()

    async def be_good(self):
        await self.reply()
        await self.download()
        await self.complete()

    be_late = be_good

    async def be_old(self):
        await self.download()
        await self.complete()

    async def be_silent(self):
        pass

    async def be_quiet(self):
        await self.download()
        await asyncio.sleep(self.fleet.response_timeout + 1)  # it takes that long to install
        await self.complete()

    async def be_refusing(self):
        await self.reply(success=False, code="LOW", message=f"the battery of {self.name} is low")

    async def be_broken(self):
        await self.reply()
        await self.download()
        await self.complete(success=False, errorReason=f"bad CRC on {self.name}")

    async def be_dropping(self):
        await self.reply()
        download = await self.download(cut_after=self.message["size"] // 3)
        if download.ranges == 0:
            self.fleet.wrong(f"{self.name} did not go on with a range")
        await self.complete()

    async def be_reporting(self):
        await self.reply()
        await self.download()
        await self.restart()
        await self.send("firmware/report", version=self.version, properties={"slot": "B"})

    async def be_answering(self):
        await self.reply()
        await self.download()
        await self.restart()


class Fleet:
    def __init__(self, arguments):
        self.socket, self.port, self.product, self.task = arguments[0], int(arguments[1]), *arguments[2:4]
        self.first_version, self.version = arguments[4:6]
        count, self.response_timeout, max_in_flight = (int(word) for word in arguments[6:9])
        self.problems, self.running, self.connected = [], set(), 0
        self.loop = asyncio.get_running_loop()
        self.pool = concurrent.futures.ThreadPoolExecutor(DOWNLOADS)
        kinds = [kind for kind, (share, _state) in KINDS.items() for _ in range(share * count // 1000)]
        random.Random(count).shuffle(kinds)
        self.devices = [Device(self, f"fleet-{number + 1}", kind) for number, kind in enumerate(kinds)]
        self.late = [device for device in self.devices if device.kind == "late"]
        self.first = len(self.devices) - len(self.late)
        self.half_said = False
        self.watch = Watch(self.socket, self.task, len(self.devices), max_in_flight, LIMIT,
                           lambda status: self.loop.call_soon_threadsafe(self.moved, status))

    def wrong(self, what):
        self.problems.append(what)

    def run(self, behaviour):
        task = self.loop.create_task(behaviour)
        self.running.add(task)
        task.add_done_callback(self._ran)

    def _ran(self, task):
        self.running.discard(task)
        if task.exception():
            self.wrong(repr(task.exception()))

    def joined(self):
        self.connected += 1
        if self.connected == self.first:
            print("ready", flush=True)

    def moved(self, status):
        if status["success"] * 3 >= len(self.devices):
            while self.late:
                self.late.pop().client.join()
        if not self.half_said and status["success"] * 2 >= len(self.devices):
            self.half_said = True
            print("half", flush=True)

    async def upgrade(self):
        for device in self.devices:
            if device.kind != "late":
                device.client.join()
        self.watch.start()
        await asyncio.to_thread(self.watch.join)
        if self.running:
            await asyncio.wait(self.running, timeout=30)
        self.problems += self.watch.problems
        self.check_records()

    def check_records(self):
        _status, document = get(self.socket, f"/v1/ota-tasks/{self.task}/devices")
        records = {record["deviceId"]: record for record in document["items"]}
        if set(records) != {device.name for device in self.devices}:
            self.wrong(f"{len(records)} records")
        for device in self.devices:
            self.check(device, records.get(device.name, {}))

    def check(self, device, record):
        reasons = {"silent": "response timeout", "broken": f"bad CRC on {device.name}",
                   "refusing": f"the battery of {device.name} is low"}
        wanted = {"state": KINDS[device.kind][1], "attempt": 1, "errorReason": reasons.get(device.kind), "note": None}
        if wanted["state"] == "success":
            wanted["progress"] = 100
        wrong = [f"{key} is {record.get(key)}, not {value}" for key, value in wanted.items() if record.get(key) != value]
        if self.watch.outages == 0:
            if device.times_told != 1:
                wrong.append(f"was told {device.times_told} times")
            size = device.message["size"] if device.message and device.kind in DOWNLOADING else 0
            served = record.get("bytesServed", 0)
            # What was on its way when a connection broke counts as well.
            if served < size or (served > size and device.kind != "dropping"):
                wrong.append(f"bytesServed is {served} of {size}")
        for what in wrong:
            self.wrong(f"{device.name} ({device.kind}): {what}")


async def main():
    raise_file_limit()
    fleet = Fleet(sys.argv[1:])
    began = time.monotonic()
    await fleet.upgrade()
    seen = collections.Counter(fleet.problems)
    for problem, count in list(seen.items())[:40]:
        print(f"wrong: {problem} ({count} times)" if count > 1 else f"wrong: {problem}")
    print(json.dumps({"wrong": len(fleet.problems), "looks": fleet.watch.looks, "outages": fleet.watch.outages,
                      "seconds": round(time.monotonic() - began, 1), "processorSeconds": round(time.process_time(), 1),
                      "status": fleet.watch.status}), flush=True)
    fleet.pool.shutdown(wait=False, cancel_futures=True)
    return 1 if fleet.problems else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
