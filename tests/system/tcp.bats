#!/usr/bin/env bats
# TCP server components with real clients: a binary device, nc, openssl s_client.
load helpers.bash
load transports.bash
load mqtt.bash

setup_file() {
  make_home
  start_daemon
  port=$(free_port)
  tls_port=$(free_port)
  export port tls_port
  open_door tcp-1 TCP_SERVER tcp-server-gateway \
    "port: $port, parserType: LENGTH_FIELD, parserConfiguration: {offset: 0, length: 4}, connectTimeout: 1, maxFrameLength: 4096"
  jlctl cert generate web --san 127.0.0.1,gateway.test
  open_door tls-1 TCP_SERVER tcp-server-gateway "port: $tls_port, secure: true, certId: web, parserType: length"
  add_device dev-1 tcp-1 secureKey=s3cret
  add_device dev-2 tls-1 secureKey=s3cret
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_devices
}

# Sends bytes given as printf's format and prints what comes back in hex, until the server closes: talk FORMAT
# shellcheck disable=SC2059
talk() { printf "$1" | timeout 20 nc -w 10 127.0.0.1 "$port" | od -An -v -tx1 | tr -d ' \n'; }
login='\0\0\0\x1a\x01\0\0\0\0\0\0\0\0\0\0\0\x05dev-1\0\x06s3cret'

@test "a device logs in, reports, and obeys commands" {
  run_device tcp "$JL_SOURCE/tests/system/binary_device.py" tcp "$port" dev-1 s3cret 36.5
  hears tcp "ack 0"
  reported dev-1 36.5
  [[ $(jlctl device show dev-1 -o value=status.state) == online ]]
  obeys dev-1
  grep -q "write target=21.5" "$home/words-tcp"
  jlctl network clients tcp-1 -o json | jq -e '.data.items[0] | .clientId == "dev-1" and .role == "device"'
}

@test "it is offline as soon as it leaves, and a second connection takes over" {
  run_device first "$JL_SOURCE/tests/system/binary_device.py" tcp "$port" dev-1 s3cret
  hears first "ack 0"
  run_device second "$JL_SOURCE/tests/system/binary_device.py" tcp "$port" dev-1 s3cret
  hears second "ack 0"
  hears first closed
  kill "${devices[1]}"
  jlctl wait device/dev-1 --for status.state=offline --wait-timeout 10s
}

@test "the same inside TLS, and with openssl s_client" {
  run_device tls "$JL_SOURCE/tests/system/binary_device.py" tls "$tls_port" dev-2 s3cret 30.5
  hears tls "ack 0"
  reported dev-2 30.5
  obeys dev-2
  end_devices
  mkfifo "$home/typed"
  openssl s_client -quiet -connect "127.0.0.1:$tls_port" <"$home/typed" >"$home/heard" 2>"$home/openssl" 3>&- &
  devices+=($!)
  exec 5>"$home/typed"
  printf '\0\0\0\x1a\x01\0\0\0\0\0\0\0\0\0\0\0\x05dev-2\0\x06s3cret' >&5
  printf '\0\0\0\x23\x03\0\0\0\0\0\0\0\0\0\x03\0\x05dev-2\0\x01\0\x04temp\x0a\x40\x40\0\0\0\0\0\0' >&5
  reported dev-2 32
  exec 5>&-
}

@test "TLS spoken to a port in the clear is said as such" {
  run timeout 20 openssl s_client -connect "127.0.0.1:$port" </dev/null
  told() { jlctl log system --logger network.tcp -o json | grep -q "TLS on a port in the clear"; }
  until_true 20 told
}

@test "a wrong key, an unknown device: ack noAuth, and the connection is closed" {
  [[ $(talk "${login/s3cret/s3creT}") == 00000013*02*01 ]]
  [[ $(talk "${login/dev-1/dev-9}") == 00000013*01 ]]
  run jlctl log system --logger 'access.*' -o json
  [[ $output != *s3cret* && $output != *s3creT* ]]
}

@test "who does not say who it is within connectTimeout is closed, whatever it dribbles" {
  [[ -z $(talk '\0\0\0') ]]
  [[ $(talk '\0\0\0\x01\0') == "" ]]
}

@test "frames over maxFrameLength, negative lengths and garbage close their own connection only" {
  run_device good "$JL_SOURCE/tests/system/binary_device.py" tcp "$port" dev-1 s3cret 1
  hears good "ack 0"
  before=$(jlctl network show tcp-1 -o value=status.counters.protocolErrors)
  [[ -z $(talk '\x7f\xff\xff\xff') ]]
  [[ -z $(talk '\xff\xff\xff\xff') ]]
  head -c 200000 /dev/urandom | timeout 20 nc -w 5 -N 127.0.0.1 "$port" >/dev/null || true
  [[ $(jlctl network show tcp-1 -o value=status.counters.protocolErrors) -gt $before ]]
  obeys dev-1
}

@test "limits change and a certificate is renewed without a connection being dropped" {
  run_device tls "$JL_SOURCE/tests/system/binary_device.py" tls "$tls_port" dev-2 s3cret 7
  hears tls "ack 0"
  jlctl network edit tls-1 --max-frame-length 8192 -o json | jq -e '.data.disconnected == null or .data.disconnected == 0'
  obeys dev-2
}

@test "the component is one gateway's alone (access.md 1.4)" {
  run --separate-stderr jlctl gateway add second --provider tcp-server-gateway --network tcp-1 --protocol official
  assert_error 4 in_use
  [[ $stderr == *gw-tcp-1* ]]
}

@test "without an enabled gateway connections are closed at once (network.md 4.7)" {
  jlctl gateway disable gw-tcp-1 --yes
  [[ -z $(talk "$login") ]]
  jlctl gateway enable gw-tcp-1
  [[ $(talk "$login") == 00000013* ]]
}
