#!/usr/bin/env python3
"""Reads every #include line of common/, cli/ and daemon/ and fails on an arrow that the layers do not have.

The layers are those of the README ("How it is built"): a folder includes itself and what stands below it in its list.
  include_rules.py [ROOT]      check; prints each violation as file:line, exits 1 when there is one
  include_rules.py --self-test show on made-up files that each rule can fail
"""
import os
import re
import sys
import tempfile

COMMON = ["cert", "control", "text", "model", "base"]
DAEMON = ["app", "control", "services", "runtime", "access", "modbus", "ota", "media", "logs", "broker", "device",
          "codec", "network", "script", "wire", "store", "base"]
# What else a folder must not include although it stands below it.
NEVER = {
    "access": {"modbus", "ota", "media"},
    "modbus": {"ota", "media", "logs"},
    "ota": {"media", "logs"},
    "media": {"logs"},
    "broker": {"codec"},
    "codec": {"network", "store"},
    "network": {"store"},
    "script": {"store"},
    "wire": {"store"},
}
ASIO = re.compile(r"boost/(asio|beast)[/.]")
ASIO_HEADERS = {"daemon/base", "daemon/network", "daemon/control"}
OPENSSL_IN_COMMON = "cert"  # a library of its own, so that the rest of common/ does without
# Libraries that whole trees do without: <first part of the path>, by folder prefix.
WITHOUT = {
    "common": {"rocksdb", "systemd", "spdlog", "openssl", "simdjson", "CLI"},
    "cli": {"rocksdb", "systemd", "spdlog", "openssl", "simdjson"},
    "daemon": set(),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def room(path):
    """("daemon", "wire") of "daemon/wire/mqtt/packet.hpp"; files right below daemon/ are the app."""
    parts = path.split("/")
    top = parts[0]
    if top == "cli":
        return top, ""
    if len(parts) == 2:
        return top, "app" if top == "daemon" else ""
    return top, parts[1]


def judge(source, target, quoted):
    """Why `source` must not include `target`; None when it may."""
    top, folder = room(source)
    if not quoted:
        first = target.split("/")[0].removesuffix(".hpp").removesuffix(".h")
        if first in WITHOUT[top] and not (first == "openssl" and (top, folder) == ("common", OPENSSL_IN_COMMON)):
            return f"{top} does without {first}"
        if ASIO.search(target):
            if top == "common" or (top == "daemon" and folder in ("wire", "codec")):
                return f"{top}/{folder} knows no Asio"
            if source.endswith(".hpp") and top == "daemon" and f"{top}/{folder}" not in ASIO_HEADERS:
                return "Asio in a header that many files include"
        return None
    to_top = target.split("/")[0]
    if to_top not in ("common", "cli", "daemon") or "/.." in target or target.startswith("."):
        return "project includes are written from the root"
    to_folder = room(target)[1]
    if to_top == "common":
        if top != "common" or folder == "":
            return None
        return None if COMMON.index(folder) <= COMMON.index(to_folder) else f"common/{folder} stands below common/{to_folder}"
    if to_top != top:
        return f"{top} never includes {to_top}"
    if top == "cli":
        return None
    if DAEMON.index(folder) > DAEMON.index(to_folder):
        return f"daemon/{folder} stands below daemon/{to_folder}"
    if to_folder in NEVER.get(folder, ()):
        return f"daemon/{folder} never includes daemon/{to_folder}"
    return None


def check(root):
    """(violations as "file:line: why", number of files, number of includes)"""
    found, files, includes = [], 0, 0
    for top in ("common", "cli", "daemon"):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                if not name.endswith((".hpp", ".cpp", ".h", ".ipp")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), root)
                files += 1
                layers = {"common": COMMON, "daemon": DAEMON}.get(top)
                if layers and room(path)[1] not in layers + ([""] if top == "common" else []):
                    found.append(f"{path}:1: folder {os.path.dirname(path)} has no place in the layers")
                    continue
                with open(os.path.join(root, path), encoding="utf-8") as text:
                    for number, line in enumerate(text, 1):
                        match = INCLUDE.match(line)
                        if not match:
                            continue
                        includes += 1
                        try:
                            why = judge(path, match.group(2), match.group(1) == '"')
                        except ValueError:
                            why = "a folder that has no place in the layers"
                        if why:
                            found.append(f"{path}:{number}: includes {match.group(2)}: {why}")
    return found, files, includes


def self_test():
    good = [
        ("daemon/access/a.hpp", '"daemon/device/b.hpp"'), ("daemon/main.cpp", '"daemon/control/c.hpp"'),
        ("daemon/network/n.hpp", "<boost/asio/io_context.hpp>"), ("daemon/network/n.cpp", '"daemon/wire/w.hpp"'),
        ("daemon/access/a.cpp", "<boost/asio/post.hpp>"), ("common/text/t.cpp", '"common/model/m.hpp"'),
        ("common/boost_json.cpp", "<boost/json/src.hpp>"), ("common/cert/c.cpp", "<openssl/evp.h>"), ("cli/output/o.cpp", '"cli/client.hpp"'),
        ("cli/a.cpp", '"common/control/c.hpp"'), ("daemon/wire/w.cpp", "<vector>"), ("daemon/app.cpp", '"daemon/base/b.hpp"'),
    ]
    bad = [
        ("cli/a.cpp", '"daemon/base/b.hpp"'), ("daemon/app.cpp", '"cli/a.hpp"'), ("common/base/b.cpp", '"common/model/m.hpp"'),
        ("common/model/m.cpp", '"common/text/t.hpp"'), ("common/text/t.cpp", '"common/control/c.hpp"'),
        ("common/base/b.cpp", '"daemon/base/b.hpp"'), ("daemon/base/b.cpp", '"daemon/store/s.hpp"'),
        ("daemon/wire/w.cpp", '"daemon/network/n.hpp"'), ("daemon/wire/w.cpp", '"daemon/store/s.hpp"'),
        ("daemon/wire/w.cpp", "<boost/asio/buffer.hpp>"), ("daemon/codec/c.cpp", '"daemon/store/s.hpp"'),
        ("daemon/codec/c.cpp", '"daemon/network/n.hpp"'), ("daemon/codec/c.cpp", "<boost/beast.hpp>"),
        ("daemon/network/n.cpp", '"daemon/device/d.hpp"'), ("daemon/network/n.cpp", '"daemon/store/s.hpp"'),
        ("daemon/network/n.cpp", '"daemon/codec/c.hpp"'), ("daemon/access/a.cpp", '"daemon/modbus/m.hpp"'),
        ("daemon/modbus/m.cpp", '"daemon/ota/o.hpp"'), ("daemon/ota/o.cpp", '"daemon/access/a.hpp"'),
        ("daemon/logs/l.cpp", '"daemon/access/a.hpp"'), ("daemon/media/m.cpp", '"daemon/logs/l.hpp"'),
        ("daemon/services/s.cpp", '"daemon/control/c.hpp"'), ("daemon/device/d.cpp", '"daemon/runtime/r.hpp"'),
        ("daemon/device/d.cpp", '"daemon/app.hpp"'), ("daemon/access/a.hpp", "<boost/asio.hpp>"),
        ("common/text/t.cpp", "<boost/asio/ip/tcp.hpp>"), ("cli/a.cpp", "<rocksdb/db.h>"), ("common/base/b.cpp", "<openssl/evp.h>"),
        ("common/control/c.cpp", '"common/cert/c.hpp"'), ("common/cert/c.cpp", "<boost/asio.hpp>"),
        ("daemon/app.cpp", '"../common/base/b.hpp"'), ("daemon/app.cpp", '"app.hpp"'), ("daemon/nosuch/x.cpp", "<vector>"),
        ("daemon/app.cpp", '"daemon/nosuch/x.hpp"'), ("cli/a.cpp", '"tests/support/x.hpp"'),
    ]
    for expected, cases in ((0, good), (1, bad)):
        for path, include in cases:
            with tempfile.TemporaryDirectory() as root:
                os.makedirs(os.path.join(root, os.path.dirname(path)))
                with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                    out.write(f"#pragma once\n#include {include}\n")
                found = check(root)[0]
                if len(found) != expected:
                    sys.exit(f"self-test: {path} with {include}: {found or 'nothing found'}")
    print(f"include rules: self-test passed ({len(good)} arrows allowed, {len(bad)} refused)")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    found, files, includes = check(os.path.abspath(root))
    for line in found:
        print(line)
    print(f"include rules: {includes} includes of {files} files checked, {len(found)} against the layers")
    sys.exit(1 if found or not files else 0)


if __name__ == "__main__":
    main()
