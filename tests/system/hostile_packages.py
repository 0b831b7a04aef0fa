#!/usr/bin/python3
"""Writes archives that no daemon should take, for packages_hostile.bats.

usage: hostile_packages.py FOLDER
"""
import io
import os
import stat
import sys
import zipfile

MANIFEST = '{"id": "hostile", "transports": [{"transport": "TCP"}]}'
DECODE = "export function decode(ctx) {}\n"
GOOD = [("protocol.json", MANIFEST), ("main.js", DECODE)]


def archive(name, entries):
    with zipfile.ZipFile(os.path.join(sys.argv[1], name), "w", zipfile.ZIP_DEFLATED) as file:
        for path, content in entries:
            file.writestr(path, content)


def link(path, target):
    info = zipfile.ZipInfo(path)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


def lying_size(name):
    """200 MiB of spaces that the directory calls 10 bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("protocol.json", MANIFEST)
        file.writestr("main.js", b" " * (200 << 20))
    data = out.getvalue().replace((200 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with open(os.path.join(sys.argv[1], name), "wb") as file:
        file.write(data)


archive("bomb.zip", [("protocol.json", MANIFEST), ("main.js", b" " * (200 << 20))])
archive("bomb-of-many.zip", GOOD + [(f"lib/{i}.js", b" " * (3 << 20)) for i in range(20)])
archive("files.zip", GOOD + [(f"lib/{i}.js", "") for i in range(5000)])
lying_size("lying.zip")
archive("parent.zip", GOOD + [("../evil.js", DECODE)])
archive("absolute.zip", GOOD + [("/tmp/evil.js", DECODE)])
archive("backslash.zip", GOOD + [("lib\\..\\..\\evil.js", DECODE)])
archive("link.zip", GOOD + [link("lib.js", "/etc/passwd")])
archive("java.jar", [("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"), ("org/Demo.class", b"\xca\xfe\xba\xbe\0\0\0\x34")])
archive("outside.zip", [("protocol.json", MANIFEST), ("main.js", 'import {x} from "../../etc/passwd";\n' + DECODE)])
archive("loop.zip", [("protocol.json", MANIFEST), ("main.js", "for (;;);\n" + DECODE)])
archive("recursion.zip", [("protocol.json", MANIFEST), ("main.js", "function f() { return f() + 1; }\nf();\n" + DECODE)])
archive("heap.zip", [("protocol.json", MANIFEST), ("main.js", "const all = [];\nfor (;;) all.push(new Array(1e6).fill(1));\n" + DECODE)])
archive("nesting.zip", [("protocol.json", "[" * 200000), ("main.js", DECODE)])
archive("brackets.zip", [("protocol.json", MANIFEST), ("main.js", "(" * 500000 + DECODE)])
with open(os.path.join(sys.argv[1], "noise.zip"), "wb") as noise:
    noise.write(os.urandom(100000))
with open(os.path.join(sys.argv[1], "empty.zip"), "wb"):
    pass
