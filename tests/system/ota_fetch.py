"""How a device of ota_fleet.py downloads: http.client, and on from where it was when the connection breaks."""
import hashlib
import http.client
import threading
import urllib.parse

PATIENCE = 60  # seconds that a download goes on trying to connect
PAUSE = 0.2


class Broken(Exception):
    """A download that cannot be what it should be; says why."""


class Download:
    """One download of a file whose size and SHA-256 are known; runs on a thread of its own."""

    def __init__(self, url, size, sha256, progress=lambda percent: None):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.target = f"{parts.path}?{parts.query}"
        self.size, self.sha256, self.progress = size, sha256, progress
        self.data = bytearray()
        self.etag = None
        self.ranges = 0  # answers with a part

    def run(self, cut_after=None):
        """Gets all of it and compares the digest. The connection is cut once when `cut_after` bytes are there."""
        tries = 0
        while len(self.data) < self.size:
            try:
                self._request(cut_after)
            except (OSError, http.client.HTTPException) as problem:
                tries += 1
                if tries * PAUSE > PATIENCE:
                    raise Broken(f"no download after {tries} tries: {problem!r}") from problem
                threading.Event().wait(PAUSE)
            if self.data:
                cut_after = None
        digest = hashlib.sha256(self.data).hexdigest()
        if digest != self.sha256:
            raise Broken(f"the file's digest is {digest}, not {self.sha256}")

    def _request(self, cut_after):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            headers = {"If-Range": self.etag, "Range": f"bytes={len(self.data)}-"} if self.data else {}
            connection.request("GET", self.target, headers=headers)
            response = connection.getresponse()
            self._check(response)
            step = max(1, self.size // 10)
            while len(self.data) < self.size:
                wanted = step - len(self.data) % step
                piece = response.read1(wanted)
                if not piece:
                    raise ConnectionResetError("the body ended early")
                self.data += piece
                if len(self.data) % step == 0:
                    self.progress(min(90, len(self.data) * 100 // self.size))
                if cut_after and len(self.data) >= cut_after:
                    return
        finally:
            connection.close()

    def _check(self, response):
        """The head must fit what was asked for."""
        status, at = response.status, len(self.data)
        if status not in (200, 206) or (status == 206) != (at > 0):
            raise Broken(f"status {status} from byte {at} on: {response.read(200)!r}")
        etag = response.getheader("ETag")
        if not etag or etag.startswith("W/") or (self.etag and etag != self.etag):
            raise Broken(f"ETag {etag} after {self.etag}")
        self.etag = etag
        if int(response.getheader("Content-Length")) != self.size - at:
            raise Broken(f"{response.getheader('Content-Length')} bytes from {at} on of {self.size}")
        if status == 206:
            self.ranges += 1
            wanted = f"bytes {at}-{self.size - 1}/{self.size}"
            if response.getheader("Content-Range") != wanted:
                raise Broken(f"Content-Range {response.getheader('Content-Range')}, not {wanted}")
