"""Every normative statement of both specifications and whether a server can be tested for it from outside.

One row per section: the section, then its numbers. A bare number (or range) binds a server and can be tested through
its listener. `c` in front: it binds clients only. `n` in front: not testable from outside, for the reason at the end.
3.1.1 spells two of its ids as MQTT-3.1.2.7 and MQTT-3-8.3-4; here they are written like all others.
"""

V311 = """
1.5.3 1-3
2.2.2 1-2
2.3.1 1 c2-3 4-7
3.1.0 1-2
3.1.2 1-22 c23 24
3.1.3 1-6 c7 8-11
3.1.4 1-5
3.2.0 1
3.2.2 1-5 n6  needs internal failure
3.3.1 1-12
3.3.2 1-3
3.3.4 1
3.3.5 1 n2  needs restricted account
3.6.1 1
3.8.1 1
3.8.3 1-4
3.8.4 1-6
3.9.3 1-2
3.10.1 1
3.10.3 1-2
3.10.4 1-6
3.12.4 1
3.14.1 1
3.14.4 c1-2 3
4.1.0 1-2
4.3.1 1
4.3.2 1-2
4.3.3 1-2
4.4.0 1
4.5.0 1 c2
4.6.0 1 c2-4 5-6
4.7.1 1-3
4.7.2 1
4.7.3 1-2 n3 4  length field limits
4.8.0 1 n2  needs internal failure
6.0.0 n1-2 c3 n4  no WebSocket listener
7.0.0 n1 2  bridge role unobservable
7.1.1 1
7.1.2 c1
"""

V5 = """
1.5.4 1-3
1.5.5 1
1.5.7 1
2.1.3 1
2.2.1 2 c3 4-6
2.2.2 1
3.1.0 1-2
3.1.2 1-19 c20-21 22-29 c30
3.1.3 1-12
3.1.4 1-6
3.2.0 1-2
3.2.2 1-3 c4-5 6-10 c11 12-13 c14-15 16 c17-18 19-20 c21 22
3.3.1 1-13
3.3.2 1-8 c9-10 11-20
3.3.4 1-6 c7-8 9-10
3.4.2 1-3
3.5.2 1-3
3.6.1 1
3.6.2 1-3
3.7.2 1-3
3.8.1 1
3.8.3 1-5
3.8.4 1-8
3.9.2 1-2
3.9.3 1-2
3.10.1 1
3.10.3 1-2
3.10.4 1-6
3.11.2 1-2
3.11.3 1-2
3.12.4 1
3.14.0 1
3.14.1 1
3.14.2 1-4
3.14.4 1-3
3.15.1 1
3.15.2 n1-3  AUTH never sent
4.1.0 1-2
4.2.0 1
4.3.1 1
4.3.2 1-5
4.3.3 1-8 n9 10-13  needs refused publish
4.4.0 1-2
4.5.0 1 c2
4.6.0 c1-4 5-6
4.7.0 1
4.7.1 1-2
4.7.2 1
4.7.3 1-2 n3 4  length field limits
4.8.2 1-6
4.9.0 1-3
4.12.0 1 n2 c3 n4-5 6 c7  enhanced authentication refused
4.12.1 c1 n2  enhanced authentication refused
4.13.1 1
4.13.2 1
6.0.0 n1-2 c3 n4  no WebSocket listener
"""


def table(text):
    """{"MQTT-1.5.3-1": "server" | "client" | reason}"""
    out = {}
    for line in text.strip().splitlines():
        row, _, reason = line.partition("  ")
        section, *numbers = row.split()
        for word in numbers:
            kind = {"c": "client", "n": reason}.get(word[0], "server")
            first, _, last = word.lstrip("cn").partition("-")
            for number in range(int(first), int(last or first) + 1):
                out[f"MQTT-{section}-{number}"] = kind
    return out


TABLE = {4: table(V311), 5: table(V5)}
VERSION_NAMES = {4: "3.1.1", 5: "5.0"}


def testable(version):
    return {one for one, kind in TABLE[version].items() if kind == "server"}
