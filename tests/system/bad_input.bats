#!/usr/bin/env bats
# Hostile and broken peers: each is refused with its protocol's own code, and everyone else is served on.
load helpers.bash

setup_file() {
  make_home
  start_daemon
  provision dev-1 dev-2
  jlctl network edit mqtt-1 --max-connections 50 --max-message-size 1024 --connect-timeout 2
}
teardown_file() { remove_home; }
teardown() {
  show_log
  # Whatever a test did: others are still served, and nothing has crashed.
  kill -0 "$(daemon_pid)"
  publish dev-2 properties/report '{"properties":{"temp":5}}'
  jlctl status >/dev/null
}

# Sends bytes (printf notation) and prints in hex what comes back until the server closes.
talk() {
  python3 - "$mqtt_port" "$@" <<'EOF'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
s.settimeout(10)
try:
    for part in sys.argv[2:]:
        s.sendall(bytes.fromhex(part))
    while True:
        got = s.recv(4096)
        if not got:
            print("closed")
            break
        print(got.hex())
except (ConnectionResetError, BrokenPipeError):
    print("closed")
except TimeoutError:
    print("silent")
EOF
}

@test "a first packet that is not CONNECT closes the connection [MQTT-3.1.0-1]" {
  run talk c000
  [[ $output == closed ]]
}

@test "HTTP on the MQTT port closes the connection" {
  run talk "$(printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | od -An -tx1 | tr -d ' \n')"
  [[ $output == closed ]]
}

@test "an unknown protocol level is answered with CONNACK 132, unsupported protocol version [MQTT-3.1.2-2]" {
  run talk 100d00044d51545409020000000161
  [[ ${lines[0]} == 20??0084* && ${lines[1]} == closed ]]
}

@test "reserved flags set in CONNECT close the connection [MQTT-3.1.2-3]" {
  run talk 100d00044d51545404030000000161
  [[ $output == *closed ]]
}

@test "a remaining length of five bytes closes the connection" {
  run talk 10ffffffffff01
  [[ $output == closed ]]
}

@test "a packet above maxMessageSize closes the connection before it is held" {
  run talk 30ffff7f
  [[ $output == closed ]]
  credentials dev-1 key-dev-1
  head -c 4000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/large"
  run timeout 20 mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i dev-1 -u "$mqtt_user" -P "$mqtt_password" -q 1 \
    -t /sensor/dev-1/properties/report -f "$BATS_TEST_TMPDIR/large"
  [[ $status -ne 0 ]]
}

@test "a client that says nothing is closed after connectTimeout" {
  run talk ""
  [[ $output == closed ]]
}

@test "a client that sends CONNECT one byte at a time is served or closed, not held for ever" {
  run talk 10 0d 00
  [[ $output == closed ]]
}

@test "a will with a bad topic, a wildcard in a topic, QoS 3: all close" {
  for bytes in 101900044d515454042e000000016100012b000178 36020000 101100044d5154540436000000016100017400017a; do
    run talk "$bytes"
    [[ $output == *closed ]] || { echo "$bytes -> $output"; return 1; }
  done
}

@test "random bytes a hundred times leave the daemon as it was" {
  for _ in {1..100}; do
    head -c 300 /dev/urandom | timeout 5 nc -N 127.0.0.1 "$mqtt_port" >/dev/null || true
  done
}

@test "connections over the limit are refused, those within are served on" {
  python3 - "$mqtt_port" >"$BATS_TEST_TMPDIR/flood" 3>&- <<'EOF'
import socket, sys
held, closed = [], 0
for _ in range(2000):
    try:
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
        s.settimeout(5)
        held.append(s)
    except OSError:
        closed += 1
for s in held[50:]:
    try:
        while s.recv(100):
            pass
        closed += 1
    except TimeoutError:
        pass
    except OSError:
        closed += 1
print(closed)
EOF
  [[ $(cat "$BATS_TEST_TMPDIR/flood") -ge 1900 ]]
  below_limit() { [[ $(jlctl network show mqtt-1 -o value=status.connections) -le 50 ]]; }
  until_true 30 below_limit
  served() { publish dev-1 properties/report '{"properties":{"temp":6}}'; }
  until_true 30 served
}

@test "a device that sends for another device that is not its child is not believed" {
  credentials dev-1 key-dev-1
  mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i dev-1 -u "$mqtt_user" -P "$mqtt_password" -q 1 \
    -t /sensor/dev-2/properties/report -m '{"properties":{"temp":666}}' || true
  [[ $(jlctl device state dev-2 -o value=properties.temp.value) != 666* ]]
}

# The control socket.
raw() { printf '%b' "$1" | timeout 10 nc -N -U "$JLCTL_SOCKET"; }

@test "malformed HTTP is answered with 400 and closed" {
  for request in 'nonsense\r\n\r\n' 'GET\r\n\r\n' 'GET /v1/status HTTP/9.9\r\n\r\n' 'GET /v1/status HTTP/1.1\r\nContent-Length: -5\r\n\r\n' \
    'POST /v1/devices HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'; do
    run raw "$request"
    [[ -z $output || $output == HTTP/1.1\ 4* ]] || { echo "$request -> $output"; return 1; }
  done
}

@test "an endless header, a header line of 1 MB, a body of 2 MB: refused with a limit" {
  run bash -c "{ printf 'GET /v1/status HTTP/1.1\r\n'; head -c 1000000 /dev/zero | tr '\0' a; printf ': b\r\n\r\n'; } | timeout 10 nc -N -U '$JLCTL_SOCKET'"
  [[ -z $output || $output == HTTP/1.1\ 4* ]]
  head -c 2097152 /dev/zero | tr '\0' ' ' >"$BATS_TEST_TMPDIR/body"
  run curl -s --unix-socket "$JLCTL_SOCKET" -H 'Expect:' -H 'Content-Type: application/json' --data-binary @"$BATS_TEST_TMPDIR/body" http://jlinkd/v1/products -w '%{http_code}'
  [[ $output == *413* || $status -ne 0 ]]
}

@test "bodies that are no JSON, no object, too deep, or not UTF-8 are refused with a problem document" {
  deep=$(printf '[%.0s' {1..5000})
  for body in '{' '[]' '"x"' 'null' "$deep" $'{"id":"\xff\xfe"}' '{"id":"x","spec":{"deviceType":{"a":1}}}'; do
    run curl -s --unix-socket "$JLCTL_SOCKET" -H 'Content-Type: application/json' --data-binary "$body" http://jlinkd/v1/products
    jq -e '.status >= 400 and (.code | length > 0)' <<<"$output" >/dev/null || { echo "$body -> $output"; return 1; }
  done
}

@test "unknown paths and methods: 404 and 405 with a problem document" {
  curl() { command curl -s --unix-socket "$JLCTL_SOCKET" "$@"; }
  curl http://jlinkd/v1/nothing | jq -e '.status == 404'
  curl -X PUT http://jlinkd/v1/devices/dev-1 | jq -e '.status == 405 and .code == "method_not_allowed"'
  curl "http://jlinkd/v1/devices/..%2f..%2fetc" | jq -e '.status == 404 or .status == 422 or .status == 400'
  curl "http://jlinkd/v1/devices/%00" | jq -e '.status >= 400'
}

@test "another major version of the API is refused with 426 before anything happens" {
  run curl -s --unix-socket "$JLCTL_SOCKET" -H 'Jlctl-Api: 2.0' -X DELETE http://jlinkd/v1/devices/dev-2
  [[ $(jq -r .code <<<"$output") == version_mismatch ]]
  jlctl device exists dev-2
}

@test "hundreds of idle control connections do not keep others out for good" {
  python3 - "$JLCTL_SOCKET" 3>&- <<'EOF'
import socket, sys
held = []
for _ in range(400):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    try:
        s.connect(sys.argv[1])
        held.append(s)
    except OSError:
        pass
EOF
  until_true 30 jlctl status
}
