"""Asks the daemon's control socket how far an upgrade task is, again and again, and says what cannot be."""
import http.client
import json
import socket
import threading
import time

STATES = ("waiting", "processing", "success", "failed", "canceled")
PRECEDENCE = ("processing", "waiting", "canceled", "failed", "success")  # a task's state is the first that there is
PAUSE = 0.05


class ControlConnection(http.client.HTTPConnection):
    """HTTP over the control socket."""

    def __init__(self, path):
        super().__init__("jlinkd", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get(path, target):
    """Status and document of a GET; OSError or HTTPException while the daemon is away."""
    connection = ControlConnection(path)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


class Watch(threading.Thread):
    """Looks at a task until it is over; problems are collected in `problems`, what was seen last is `status`."""

    def __init__(self, path, task, total, max_in_flight, limit, moved):
        super().__init__(daemon=True)
        self.path, self.task, self.total, self.max_in_flight = path, task, total, max_in_flight
        self.until = time.monotonic() + limit
        self.moved = moved  # called with each status that differs from the one before
        self.status, self.problems, self.outages, self.looks = None, [], 0, 0

    def run(self):
        away = False
        while time.monotonic() < self.until:
            try:
                code, document = get(self.path, f"/v1/ota-tasks/{self.task}")
                away = False
                if self._look(code, document):
                    return
            except (OSError, http.client.HTTPException, ValueError):
                self.outages += not away
                away = True
            threading.Event().wait(PAUSE)
        self.problems.append(f"the task was not over in time: {self.status}")

    def _look(self, code, document):
        """True when the task is over."""
        if code == 404 and not self.status:
            return False  # not made yet
        status = document.get("status", {})
        if code != 200 or not all(isinstance(status.get(name), int) for name in (*STATES, "total", "progress")):
            self.problems.append(f"answer {code}: {document}")
            return False
        self.looks += 1
        before, self.status = self.status, status
        self._check(status, before)
        if status != before:
            self.moved(status)
        return status["waiting"] + status["processing"] == 0

    def _check(self, status, before):
        wrong = []
        if sum(status[name] for name in STATES) != status["total"] or status["total"] != self.total:
            wrong.append(f"the states do not add up to {self.total}")
        if before and status["success"] < before["success"]:
            wrong.append(f"success fell from {before['success']}")
        if status["processing"] > self.max_in_flight:
            wrong.append(f"more than {self.max_in_flight} at once")
        if status["progress"] != 100 * status["success"] // status["total"]:
            wrong.append("progress is not the share of success")
        if status["state"] != next(name for name in PRECEDENCE if status[name] > 0):
            wrong.append("state is not the first of " + ", ".join(PRECEDENCE))
        self.problems += [f"{what}: {status}" for what in wrong]
