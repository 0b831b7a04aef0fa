"""What a test is: a function with its clauses, run with a context that makes clients below its own topics."""
import secrets
import threading
import time

import packets
from clauses import TABLE
from client import Client, Failed, check
from packets import CONNACK

TESTS = []
PREFIX = f"conf/{secrets.token_hex(4)}"


def clause(*ids, version=None):
    """Registers a test for these statements of one version (4 or 5). It may be stacked: once per version."""
    def register(function):
        for one in ids:
            if TABLE[version].get(one) != "server":
                raise ValueError(f"{function.__name__}: the table does not have {one} of version {version} for servers")
        TESTS.append((version, ids, function))
        return function
    return register


def both(*ids):
    """Registers a test for statements that have the same id in both versions."""
    def register(function):
        clause(*ids, version=4)(function)
        return clause(*ids, version=5)(function)
    return register


class Server:
    """Where the server is and how to log in."""

    def __init__(self, host, port, user=None, password=None):
        self.address, self.user, self.password = (host, port), user, password


class Context:
    """Given to each test. `version` is that of the clause; clients are closed when the test ends."""
    counter = 0
    lock = threading.Lock()

    def __init__(self, server, version):
        self.server, self.version, self.clients = server, version, []
        with Context.lock:
            Context.counter += 1
            self.number = Context.counter
        self.base = f"{PREFIX}/{self.number}"
        self.ids = 0

    def topic(self, name=""):
        return f"{self.base}/{name}" if name else self.base

    def new_client_id(self):
        self.ids += 1
        return f"c{PREFIX[5:]}n{self.number}x{self.ids}"

    def raw(self, client_id=None, version=None):
        """A connection on which nothing has been sent."""
        out = Client(self.server.address, version or self.version, client_id or self.new_client_id())
        self.clients.append(out)
        return out

    def credentials(self):
        out = {}
        if self.server.user is not None:
            out["user"] = self.server.user
        if self.server.password is not None:
            out["password"] = self.server.password
        return out

    def login(self):
        """The fields of user name and password as they stand at the end of the payload."""
        out = b""
        if self.server.user is not None:
            out += packets.string(self.server.user)
        if self.server.password is not None:
            out += packets.binary(self.server.password)
        return out

    def login_flags(self):
        return (0x80 if self.server.user is not None else 0) | (0x40 if self.server.password is not None else 0)

    def connect_bytes(self, client, **options):
        return packets.connect(client.version, options.pop("client_id", client.client_id),
                               **{**self.credentials(), **options})

    def send_connect(self, client=None, **options):
        """Sends a CONNECT and does not wait."""
        client = client or self.raw()
        client.send(self.connect_bytes(client, **options))
        return client

    def client(self, client_id=None, version=None, expiry=None, props=(), **options):
        """A connected client. `expiry` in seconds keeps the session (5.0), `clean=False` resumes it."""
        out = self.raw(client_id, version)
        if out.version == 5 and expiry is not None:
            props = [*props, ("session_expiry", expiry)]
        if out.version == 5:
            options["props"] = props
        self.send_connect(out, **options)
        out.connack = out.expect(CONNACK)
        check(out.connack.reason == 0, f"refused: {out.connack}")
        return out

    def keeper(self, client_id=None, clean=False, **options):
        """A client whose session outlives its connection, in both versions."""
        return self.client(client_id, clean=clean, expiry=options.pop("expiry", 300), **options)

    def close(self):
        for one in self.clients:
            one.drop()


def run_test(server, version, ids, function):
    """("ok" | "skip" | "not ok", reason, seconds)"""
    context, start = Context(server, version), time.monotonic()
    try:
        function(context)
        result = ("ok", "")
    except Exception as error:  # pylint: disable=broad-except  # any error of a test is its result
        from client import Skip
        if isinstance(error, Skip):
            result = ("skip", str(error))
        elif isinstance(error, (Failed, packets.Malformed)):
            result = ("not ok", str(error))
        else:
            result = ("not ok", f"{type(error).__name__}: {error}")
    finally:
        context.close()
    return (*result, time.monotonic() - start)
