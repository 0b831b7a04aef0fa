"""Every MQTT 3.1.1 and 5.0 control packet: builders that may be told to build nonsense, and a strict decoder.

Versions are protocol levels: 4 is 3.1.1, 5 is 5.0. Builders return bytes; `decode` raises Malformed when a server's
packet breaks its format (reserved bits, lengths, UTF-8, properties, codes), so every test checks the format as well.
"""
import struct

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE = range(1, 9)
SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(9, 16)
NAMES = ["reserved", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
         "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"]
FIXED_FLAGS = {PUBREL: 2, SUBSCRIBE: 2, UNSUBSCRIBE: 2}

# name: (identifier, kind, packets a server may send it in)
PROPERTIES = {
    "payload_format": (0x01, "byte", {PUBLISH}),
    "message_expiry": (0x02, "u32", {PUBLISH}),
    "content_type": (0x03, "string", {PUBLISH}),
    "response_topic": (0x08, "string", {PUBLISH}),
    "correlation_data": (0x09, "binary", {PUBLISH}),
    "subscription_id": (0x0B, "varint", {PUBLISH}),
    "session_expiry": (0x11, "u32", {CONNACK}),
    "assigned_client_id": (0x12, "string", {CONNACK}),
    "server_keep_alive": (0x13, "u16", {CONNACK}),
    "authentication_method": (0x15, "string", {CONNACK, AUTH}),
    "authentication_data": (0x16, "binary", {CONNACK, AUTH}),
    "request_problem": (0x17, "byte", set()),
    "will_delay": (0x18, "u32", set()),
    "request_response": (0x19, "byte", set()),
    "response_information": (0x1A, "string", {CONNACK}),
    "server_reference": (0x1C, "string", {CONNACK, DISCONNECT}),
    "reason_string": (0x1F, "string", {CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH}),
    "receive_maximum": (0x21, "u16", {CONNACK}),
    "topic_alias_maximum": (0x22, "u16", {CONNACK}),
    "topic_alias": (0x23, "u16", {PUBLISH}),
    "maximum_qos": (0x24, "byte", {CONNACK}),
    "retain_available": (0x25, "byte", {CONNACK}),
    "user_property": (0x26, "pair", {CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT,
                                     AUTH}),
    "maximum_packet_size": (0x27, "u32", {CONNACK}),
    "wildcard_available": (0x28, "byte", {CONNACK}),
    "subscription_id_available": (0x29, "byte", {CONNACK}),
    "shared_available": (0x2A, "byte", {CONNACK}),
}
BY_ID = {row[0]: (name, row[1], row[2]) for name, row in PROPERTIES.items()}
REPEATABLE = {"user_property", "subscription_id"}

# What a server may answer with, by packet.
REASONS = {
    CONNACK: {0, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A,
              0x9B, 0x9C, 0x9D, 0x9F},
    PUBACK: {0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    PUBREC: {0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    PUBREL: {0, 0x92},
    PUBCOMP: {0, 0x92},
    SUBACK: {0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2},
    UNSUBACK: {0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91},
    DISCONNECT: {0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97,
                 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2},
    AUTH: {0, 0x18},
}


class Malformed(Exception):
    """The server sent a packet that breaks its format."""


def u16(number):
    return struct.pack(">H", number)


def u32(number):
    return struct.pack(">I", number)


def varint(number):
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(out)


def binary(data):
    return u16(len(data)) + data


def string(text):
    """A length and the text; bytes are taken as they are, so that bad UTF-8 can be sent."""
    return binary(text if isinstance(text, bytes) else text.encode())


def one_property(name, value):
    number, kind, _ = PROPERTIES[name]
    encoded = {"byte": lambda: bytes([value]), "u16": lambda: u16(value), "u32": lambda: u32(value),
               "varint": lambda: varint(value), "string": lambda: string(value), "binary": lambda: binary(value),
               "pair": lambda: string(value[0]) + string(value[1])}[kind]()
    return bytes([number]) + encoded


def properties(pairs):
    """[(name, value), ...] or raw bytes, with the length in front."""
    body = pairs if isinstance(pairs, bytes) else b"".join(one_property(name, value) for name, value in pairs)
    return varint(len(body)) + body


def packet(kind, body=b"", flags=None):
    """Any packet: the fixed header with the right or the given flags, then the body."""
    return bytes([kind << 4 | (FIXED_FLAGS.get(kind, 0) if flags is None else flags)]) + varint(len(body)) + body


def connect(version, client_id, clean=True, keep_alive=60, user=None, password=None, will=None, props=(), name="MQTT",
            level=None, flags=None, payload=None, trailing=b""):
    """`will` is (topic, payload, qos, retain) or with a fifth member, its properties. `flags`, `payload` override."""
    bits = 2 if clean else 0
    body = string(client_id)
    if will is not None:
        bits |= 4 | will[2] << 3 | (0x20 if will[3] else 0)
        if version == 5:
            body += properties(will[4] if len(will) > 4 else ())
        body += string(will[0]) + binary(will[1])
    if user is not None:
        bits |= 0x80
        body += string(user)
    if password is not None:
        bits |= 0x40
        body += binary(password)
    head = string(name) + bytes([version if level is None else level, bits if flags is None else flags])
    head += u16(keep_alive)
    if version == 5:
        head += properties(props)
    return packet(CONNECT, head + (body if payload is None else payload) + trailing)


def publish(version, topic, payload=b"", qos=0, retain=False, dup=False, packet_id=None, props=()):
    body = string(topic)
    if packet_id is not None:
        body += u16(packet_id)
    if version == 5:
        body += properties(props)
    return packet(PUBLISH, body + payload, (8 if dup else 0) | qos << 1 | (1 if retain else 0))


def acknowledge(version, kind, packet_id, reason=None, props=None, flags=None):
    """PUBACK, PUBREC, PUBREL, PUBCOMP; the short form unless a reason (5.0) is given."""
    body = u16(packet_id)
    if version == 5 and reason is not None:
        body += bytes([reason])
        if props is not None:
            body += properties(props)
    return packet(kind, body, flags)


def subscribe(version, packet_id, filters, props=(), flags=None):
    """`filters` is [(filter, options), ...]."""
    body = u16(packet_id) + (properties(props) if version == 5 else b"")
    for topic_filter, options in filters:
        body += string(topic_filter) + bytes([options])
    return packet(SUBSCRIBE, body, flags)


def unsubscribe(version, packet_id, filters, props=(), flags=None):
    body = u16(packet_id) + (properties(props) if version == 5 else b"")
    return packet(UNSUBSCRIBE, body + b"".join(string(one) for one in filters), flags)


def disconnect(version, reason=None, props=None, flags=None):
    body = b""
    if version == 5 and reason is not None:
        body = bytes([reason]) + (properties(props) if props is not None else b"")
    return packet(DISCONNECT, body, flags)


def auth(reason=None, props=()):
    return packet(AUTH, b"" if reason is None else bytes([reason]) + properties(props))


class Reader:
    """Takes fields off a packet's body; Malformed when they end too early."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if self.left() < count:
            raise Malformed("the packet ends within a field")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def varint(self):
        value = 0
        for index in range(4):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << 7 * index
            if not byte & 0x80:
                if byte == 0 and index:
                    raise Malformed("a variable byte integer is longer than needed [MQTT-1.5.5-1]")
                return value
        raise Malformed("a variable byte integer has more than four bytes")

    def string(self):
        data = self.take(self.number(2))
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"ill-formed UTF-8: {error}") from error
        if "\0" in text:
            raise Malformed("U+0000 in a string")
        return text

    def properties(self, kind):
        """[(name, value), ...] in the order sent."""
        inner = Reader(self.take(self.varint()))
        out = []
        while inner.left():
            number = inner.varint()
            if number not in BY_ID:
                raise Malformed(f"unknown property 0x{number:02x}")
            name, form, where = BY_ID[number]
            if kind not in where:
                raise Malformed(f"{name} in a {NAMES[kind]} of a server")
            if name not in REPEATABLE and any(name == other for other, _ in out):
                raise Malformed(f"{name} twice")
            read = {"byte": lambda: inner.number(1), "u16": lambda: inner.number(2), "u32": lambda: inner.number(4),
                    "varint": inner.varint, "string": inner.string, "binary": lambda: inner.take(inner.number(2)),
                    "pair": lambda: (inner.string(), inner.string())}[form]
            out.append((name, read()))
        return out


class Packet:
    """A decoded packet: kind, flags, size on the wire, and what its kind has (packet_id, reason, props, topic, ...)."""

    def __init__(self, kind, flags, size):
        self.kind, self.flags, self.size = kind, flags, size
        self.packet_id = self.reason = self.topic = self.payload = None
        self.reasons, self.props = [], []
        self.dup, self.qos, self.retain, self.session_present = False, 0, False, False

    def all(self, name):
        return [value for other, value in self.props if other == name]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def __str__(self):
        shown = {key: value for key, value in vars(self).items() if key not in ("kind", "size") and value}
        return f"{NAMES[self.kind]} {shown}"


def decode(version, kind, flags, body, size):
    """One packet of a server."""
    out, reader = Packet(kind, flags, size), Reader(body)
    if kind not in (CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP, DISCONNECT, AUTH):
        raise Malformed(f"a server sends no {NAMES[kind]}")
    if version == 4 and kind in (DISCONNECT, AUTH):
        raise Malformed(f"a 3.1.1 server sends no {NAMES[kind]}")
    if kind != PUBLISH and flags != FIXED_FLAGS.get(kind, 0):
        raise Malformed(f"flags {flags} in {NAMES[kind]}")
    if kind == CONNACK:
        bits = reader.number(1)
        if bits & 0xFE:
            raise Malformed("reserved bits in the CONNACK flags")
        out.session_present, out.reason = bool(bits), reader.number(1)
        if version == 5:
            out.props = reader.properties(kind)
    elif kind == PUBLISH:
        out.dup, out.qos, out.retain = bool(flags & 8), flags >> 1 & 3, bool(flags & 1)
        if out.qos == 3 or out.dup and not out.qos:
            raise Malformed(f"PUBLISH flags {flags}")
        out.topic = reader.string()
        out.packet_id = reader.number(2) if out.qos else None
        out.props = reader.properties(kind) if version == 5 else []
        out.payload = reader.take(reader.left())
        if set(out.topic) & set("+#"):
            raise Malformed("a wildcard in a topic name")
        if not out.topic and not out.get("topic_alias"):
            raise Malformed("an empty topic name without alias")
        if out.get("topic_alias") == 0 or 0 in out.all("subscription_id") or out.get("payload_format", 0) > 1:
            raise Malformed("a property out of its range")
    elif kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
        out.packet_id, out.reason = reader.number(2), 0
        if version == 5 and reader.left():
            out.reason = reader.number(1)
            out.props = reader.properties(kind) if reader.left() else []
    elif kind in (SUBACK, UNSUBACK):
        out.packet_id = reader.number(2)
        out.props = reader.properties(kind) if version == 5 else []
        if version == 5 or kind == SUBACK:
            out.reasons = list(reader.take(reader.left()))
    elif kind in (DISCONNECT, AUTH):
        out.reason = 0
        if reader.left():
            out.reason = reader.number(1)
            out.props = reader.properties(kind) if reader.left() else []
    if reader.left():
        raise Malformed(f"{reader.left()} bytes too many in {NAMES[kind]}")
    check_codes(version, out)
    return out


def check_codes(version, out):
    """The reason codes of a server's packet are of its table; packet ids are not zero."""
    if out.packet_id == 0:
        raise Malformed(f"packet id 0 in {NAMES[out.kind]}")
    if version == 5:
        codes = out.reasons if out.kind in (SUBACK, UNSUBACK) else [out.reason]
        allowed = REASONS.get(out.kind)
    else:
        codes = out.reasons if out.kind == SUBACK else [out.reason]
        allowed = {CONNACK: set(range(6)), SUBACK: {0, 1, 2, 0x80}}.get(out.kind)
    for code in codes if allowed else ():
        if code not in allowed:
            raise Malformed(f"code 0x{code:02x} in {NAMES[out.kind]}")
