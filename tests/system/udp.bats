#!/usr/bin/env bats
# UDP components with real clients: a binary device, nc, openssl s_client with DTLS.
load helpers.bash
load transports.bash

setup_file() {
  make_home
  start_daemon
  port=$(free_udp_port)
  dtls_port=$(free_udp_port)
  export port dtls_port
  open_door udp-1 UDP udp-device-gateway "port: $port, maxMessageRate: 500"
  jlctl cert generate web --san 127.0.0.1,gateway.test
  open_door dtls-1 UDP udp-device-gateway "port: $dtls_port, secure: true, certId: web"
  add_device dev-1 udp-1 secureKey=u-key
  add_device dev-2 dtls-1 secureKey=u-key
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_devices
}

# One datagram, given as printf's format; prints the answer in hex: ask FORMAT
# shellcheck disable=SC2059
ask() { printf "$1" | timeout 20 nc -u -w 1 127.0.0.1 "$port" | od -An -v -tx1 | tr -d ' \n'; }
report='\0\0\x05u-key\x03\0\0\0\0\0\0\0\0\0\x03\0\x05dev-1\0\x01\0\x04temp\x0a\x40\x42\x40\0\0\0\0\0'

@test "a device reports, every datagram is acknowledged, and commands reach its last address" {
  run_device udp "$JL_SOURCE/tests/system/binary_device.py" udp "$port" dev-1 u-key 36.5
  hears udp "ack 0"
  reported dev-1 36.5
  obeys dev-1
  end_devices
  # From another port: from now on it is there.
  run_device again "$JL_SOURCE/tests/system/binary_device.py" udp "$port" dev-1 u-key 37.5
  hears again "ack 0"
  reported dev-1 37.5
  obeys dev-1
}

@test "the acknowledgement has an empty key and the same sequence (wire.md 5.7)" {
  [[ $(ask "$report") =~ ^00000002[0-9a-f]{16}000300056465762d3100$ ]]
}

@test "a wrong key is answered noAuth and does not move the device's address" {
  run_device udp "$JL_SOURCE/tests/system/binary_device.py" udp "$port" dev-1 u-key 1
  hears udp "ack 0"
  [[ $(ask "${report/u-key/U-key}") =~ 01$ ]]
  [[ $(ask "${report/dev-1/dev-9}") =~ 01$ ]]
  obeys dev-1
}

@test "garbage, empty datagrams and keepalives are borne in silence" {
  [[ -z $(ask '') ]]
  [[ -z $(ask '\xff\xff\xff\xff\xff') ]]
  head -c 60000 /dev/urandom | timeout 10 nc -u -w 1 127.0.0.1 "$port" >/dev/null || true
  [[ -n $(ask "$report") ]]
}

@test "a flood from one address is cut to maxMessageRate, and the others are heard" {
  python3 - "$port" <<'PY'
import socket, sys
s = socket.socket(type=socket.SOCK_DGRAM)
for _ in range(20000):
    s.sendto(b"\x00\x00\x05u-key\x03nonsense", ("127.0.0.1", int(sys.argv[1])))
PY
  limited() { [[ $(jlctl network show udp-1 -o value=status.counters.rateLimited) -gt 0 ]]; }
  until_true 20 limited
  [[ -n $(ask "$report") ]]
}

@test "DTLS: openssl s_client is asked for a cookie, proves it, and its report arrives" {
  mkfifo "$home/typed"
  openssl s_client -dtls1_2 -quiet -connect "127.0.0.1:$dtls_port" <"$home/typed" >"$home/heard" 2>"$home/openssl" 3>&- &
  devices+=($!)
  exec 5>"$home/typed"
  printf '\0\0\x05u-key\x03\0\0\0\0\0\0\0\0\0\x03\0\x05dev-2\0\x01\0\x04temp\x0a\x40\x42\x40\0\0\0\0\0' >&5
  reported dev-2 36.5
  acknowledged() { [[ $(od -An -v -tx1 "$home/heard" | tr -d ' \n') =~ 00$ ]]; }
  until_true 20 acknowledged
  jlctl network show dtls-1 -o json | jq -e '.data.status.counters | .cookies >= 1 and .tlsHandshakes >= 1'
  # A command down the same way.
  jlctl device read dev-2 temp --reply-timeout 200ms || true
  commanded() { grep -qa temp "$home/heard"; }
  until_true 20 commanded
  exec 5>&-
}

@test "what is no DTLS on a DTLS port leaves no session behind" {
  before=$(jlctl network show dtls-1 -o value=status.counters.tlsSessions)
  head -c 1000 /dev/urandom | timeout 10 nc -u -w 1 127.0.0.1 "$dtls_port" >/dev/null || true
  [[ $(jlctl network show dtls-1 -o value=status.counters.tlsSessions) -eq $before ]]
}

@test "a TCP and a UDP component may have the same port number; two UDP components may not (network.md 4.5)" {
  jlctl network add tcp-same --type tcp-server --host 127.0.0.1 --port "$port" --parser-type direct
  run --separate-stderr jlctl network add udp-same --type udp --host 127.0.0.1 --port "$port"
  assert_error 4 address_in_use
  jlctl network disable tcp-same --yes && jlctl network delete tcp-same --yes
}
