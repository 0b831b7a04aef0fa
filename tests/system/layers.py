#!/usr/bin/python3
"""Reads every #include of the project and prints those that go up: README, "How it is built". Exit 1 when there are any."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A folder may include those below it in its own list; what is left out of DAEMON at a name is forbidden to it.
COMMON = ["control", "text", "model", "base"]
DAEMON = ["app", "control", "services", "runtime", "access", "logs", "device", "codec", "network", "wire", "store", "base"]
FORBIDDEN = {
    "codec": {"network", "wire", "store"},    # bytes and messages, no socket and no store
    "network": {"store", "codec", "device"},  # sockets know no device
    "wire": {"store", "base"},                # pure machines: no clock, no log, no I/O
    "access": {"logs"},                       # what runs side by side meets on the bus and in the store
}


def allowed(source, target):
    """Whether a file of folder `source` may include one of `target`; both as (part, room)."""
    if source == target:
        return True
    (part, room), (to_part, to_room) = source, target
    if to_part == "common":
        return part != "common" or COMMON.index(to_room) > COMMON.index(room)
    if part != to_part:
        return part == "tests"
    if part == "daemon":
        return DAEMON.index(to_room) > DAEMON.index(room) and to_room not in FORBIDDEN.get(room, set())
    return True


def room_of(path):
    parts = path.split("/")
    if parts[0] == "daemon" and len(parts) == 2:
        return "daemon", "app"
    return parts[0], parts[1] if parts[0] in ("common", "daemon") else ""


def main():
    problems = 0
    for part in ("common", "cli", "daemon"):
        for file in sorted((ROOT / part).rglob("*.[ch]pp")):
            path = file.relative_to(ROOT).as_posix()
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                found = re.match(r'#include "([^"]+)"', line)
                if not found:
                    continue
                target = found.group(1)
                try:
                    right = allowed(room_of(path), room_of(target))
                except ValueError:
                    right = path == "common/boost_json.cpp" or target.count("/") == 1 and target.startswith("common/")
                if not right:
                    print(f"{path}:{number}: {part} may not include {target}")
                    problems += 1
    return 1 if problems else 0


sys.exit(main())
