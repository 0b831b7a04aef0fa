#!/usr/bin/env python3
"""A stand-in for the interfaces that jlinkd asks media servers by (operations.md 3.2-3.4): how a server does.

  media_server.py --kind zlm|srs [--port N] [--secret TEXT] [--say WHAT]

Prints its port on the first line of its output. WHAT is ok (the default), busy, blocked (this address is not let in)
or garbage; PUT /say with a body of that word changes it. A line is written for each request: method, path, and whether
its secret was right.
"""
import argparse
import base64
import json
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONFIG = {"general.mediaServerId": "stand-in", "http.port": "8088", "http.sslport": "8443", "rtsp.port": "5540",
          "rtmp.port": "19350", "rtc.port": "8000", "srt.port": "9000"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def do_PUT(self):
        self.server.say = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.send(200, {})

    def send(self, status, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, body):
        path, _, query = self.path.partition("?")
        if self.server.say == "garbage":
            return self.send(200, b"<html>I am a printer</html>")
        known = self.srs(path) if self.server.kind == "srs" else self.zlm(path, query, body)
        if known is None:
            self.send(404, b"<html>404</html>")

    def note(self, path, right):
        print(self.command, path, "right" if right else "wrong", flush=True)

    def zlm(self, path, query, body):
        form = urllib.parse.parse_qs(query + "&" + body.decode("utf-8", "replace"))
        right = form.get("secret", [""])[0] == self.server.secret
        name = path.removeprefix("/index/api/")
        self.note(path, right)
        if self.server.say == "blocked":
            return self.send(200, {"code": -100, "msg": "Your ip is not allowed to access the service."}) or True
        if not right:
            return self.send(200, {"code": -100, "cookie": "0" * 32, "msg": "Please login first"}) or True
        load = 99 if self.server.say == "busy" else 3
        answers = {"getServerConfig": {"code": 0, "data": [dict(CONFIG, **{"api.secret": self.server.secret})]},
                   "getThreadsLoad": {"code": 0, "data": [{"delay": 0, "load": 1}, {"delay": 0, "load": load}]},
                   "version": {"code": 0, "data": {"branchName": "", "buildTime": "", "commitHash": "stand-in"}}}
        return self.send(200, answers[name]) or True if name in answers else None

    def srs(self, path):
        wanted = "Basic " + base64.b64encode(f"admin:{self.server.secret}".encode()).decode()
        right = not self.server.secret or self.headers.get("Authorization") == wanted
        self.note(path, right)
        if self.server.say == "blocked":
            return self.send(403, b"") or True
        if not right:
            return self.send(401, b"") or True
        load = 0.99 if self.server.say == "busy" else 0.02
        answers = {"/api/v1/versions": {"code": 0, "server": "vid-1", "data": {"major": 5, "version": "5.0.213"}},
                   "/api/v1/summaries": {"code": 0, "data": {"ok": True, "self": {"cpu_percent": load}}}}
        return self.send(200, answers[path]) or True if path in answers else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=["zlm", "srs"], required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--secret", default="")
    parser.add_argument("--say", default="ok")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.kind, server.secret, server.say = options.kind, options.secret, options.say
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


main()
