#!/usr/bin/env bats
# WebSocket server components with a client that is not ours: python3-websockets, which offers compression.
load helpers.bash
load transports.bash

setup_file() {
  make_home
  start_daemon
  port=$(free_port)
  tls_port=$(free_port)
  export port tls_port
  open_door ws-1 WEB_SOCKET_SERVER websocket-server "port: $port, maxMessageSize: 4096"
  jlctl cert generate web --san 127.0.0.1,gateway.test
  open_door wss-1 WEB_SOCKET_SERVER websocket-server "port: $tls_port, secure: true, certId: web"
  add_device dev-1 ws-1 bearer_token=w-token
  add_device dev-2 wss-1 bearer_token=w-token
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_devices
}

device() { run_device "$1" "$JL_SOURCE/tests/system/websocket_device.py" "$2" "${@:3}"; }

@test "a device connects, is online at once, reports and obeys" {
  device ws "ws://127.0.0.1:$port/sensor-ws-1/dev-1/socket?token=w-token" 22.5
  hears ws connected
  jlctl wait device/dev-1 --for status.state=online --wait-timeout 10s
  reported dev-1 22.5
  obeys dev-1
  jlctl network clients ws-1 -o json | jq -e '.data.items[0].clientId == "dev-1"'
  end_devices
  jlctl wait device/dev-1 --for status.state=offline --wait-timeout 10s
}

@test "the same inside TLS" {
  device wss "wss://127.0.0.1:$tls_port/sensor-wss-1/dev-2/socket?token=w-token" 23.5
  hears wss connected
  reported dev-2 23.5
  obeys dev-2
}

@test "wrong tokens and unknown devices are closed with 1014 Unauthorized (wire.md 3.2)" {
  device wrong "ws://127.0.0.1:$port/sensor-ws-1/dev-1/socket?token=wrong"
  hears wrong "closed 1014 Unauthorized"
  device none "ws://127.0.0.1:$port/sensor-ws-1/dev-1/socket"
  hears none "closed 1014 Unauthorized"
  device stranger "ws://127.0.0.1:$port/sensor-ws-1/dev-9/socket?token=w-token"
  hears stranger "closed 1014 Unauthorized"
}

@test "another path is refused with 404, a plain request with 426" {
  [[ $(curl -sS -m 20 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/sensor-ws-1/dev-1/socket") == 426 ]]
  [[ $(curl -sS -m 20 -o /dev/null -w '%{http_code}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "http://127.0.0.1:$port/elsewhere") == 404 ]]
}

@test "bad JSON closes with 1014 Bad Request, a message over the limit with 1009, invalid UTF-8 with 1007, an unmasked frame with 1002" {
  run /usr/bin/python3 - "ws://127.0.0.1:$port/sensor-ws-1/dev-1/socket?token=w-token" "$port" <<'PY'
import asyncio, base64, os, socket, struct, sys
import websockets

async def closes(data, **options):
    async with websockets.connect(sys.argv[1], **options) as ws:
        try:
            await ws.send(data)
            await asyncio.wait_for(ws.recv(), 10)
        except websockets.ConnectionClosed:
            pass
        return ws.close_code, ws.close_reason

def raw(frame):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    s.settimeout(10)
    s.sendall(b"GET /sensor-ws-1/dev-1/socket?token=w-token HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
              b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n")
    data = b""
    while b"\r\n\r\n" not in data:
        data += s.recv(4096)
    s.sendall(frame)
    data = data.split(b"\r\n\r\n", 1)[1]
    while len(data) < 4:
        more = s.recv(4096)
        if not more:
            break
        data += more
    return struct.unpack(">H", data[2:4])[0] if data[:1] == b"\x88" else data

async def main():
    print(await closes("{no json"))
    print(await closes('{"x":"' + "y" * 5000 + '"}'))
    print(await closes('{"x":"' + "y" * 5000000 + '"}'))  # deflated it is small
    print(raw(b"\x81\x82\0\0\0\0\xff\xff"), raw(b"\x81\x02{}"), raw(b"\xf1\x80\0\0\0\0"), raw(b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126))

asyncio.run(main())
PY
  assert_success
  [[ ${lines[0]} == "(1014, 'Bad Request')" ]]
  [[ ${lines[1]} == "(1009,"* && ${lines[2]} == "(1009,"* ]]
  [[ ${lines[3]} == "1007 1002 1002 1002" ]]
}

@test "a second connection of the device takes over, and disabling the device ends it" {
  device first "ws://127.0.0.1:$port/sensor-ws-1/dev-1/socket?token=w-token"
  hears first connected
  device second "ws://127.0.0.1:$port/sensor-ws-1/dev-1/socket?token=w-token"
  hears second connected
  hears first "closed 1014"
  jlctl device disable dev-1 --yes
  hears second "closed 1014"
  jlctl device enable dev-1
}
