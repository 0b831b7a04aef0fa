#!/usr/bin/env bats
# CoAP components with libcoap's own client, in the clear, with DTLS and a certificate, and with a shared key.
load helpers.bash
load transports.bash

key=0123456789abcdef

setup_file() {
  make_home
  start_daemon
  port=$(free_udp_port)
  dtls_port=$(free_udp_port)
  export port dtls_port
  open_door coap-1 COAP_SERVER coap-server-gateway "port: $port, maxMessageSize: 4096"
  jlctl cert generate web --san 127.0.0.1,gateway.test
  open_door coaps-1 COAP_SERVER coap-server-gateway "port: $dtls_port, secure: true, certId: web, psk: true"
  add_device dev-1 coap-1 secureKey=0123456789abcdef
  add_device dev-2 coaps-1 secureKey=0123456789abcdef
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_devices
}

encrypted() { openssl enc -aes-128-ecb -K "$(printf %s "$key" | od -An -tx1 | tr -d ' \n')"; }
decrypted() { openssl enc -d -aes-128-ecb -K "$(printf %s "$key" | od -An -tx1 | tr -d ' \n')"; }

# POSTs to a device's path, encrypted; prints the response code when it is none of 2.xx: post SUFFIX BODY [coap-client arguments]
post() {
  printf %s "$2" | encrypted >"$home/payload"
  timeout 30 coap-client-openssl -B 10 -m post -f "$home/payload" "${@:3}" "coap://127.0.0.1:$port/sensor-coap-1/dev-1/$1" 2>&1
}

@test "a report, encrypted, CON and NON, with and without Content-Format" {
  run post properties/report '{"properties":{"temp":21.5}}' -t 50
  assert_success
  [[ $output != *4.0* ]]
  reported dev-1 21.5
  post properties/report '{"properties":{"temp":22.5}}'
  reported dev-1 22.5
  post properties/report '{"properties":{"temp":23.5}}' -N
  reported dev-1 23.5
  jlctl network clients coap-1 -o json | jq -e '.data.items[0].clientId == "dev-1"'
}

@test "CBOR with Content-Format 60" {
  printf '\xa1\x6aproperties\xa1\x64temp\xfb\x40\x40\x40\x00\x00\x00\x00\x00' | encrypted >"$home/payload"
  timeout 30 coap-client-openssl -B 10 -m post -t 60 -f "$home/payload" "coap://127.0.0.1:$port/sensor-coap-1/dev-1/properties/report"
  reported dev-1 32.5
}

@test "time-sync is answered in the response, 4.00 to what was not encrypted, 4.04 and 4.01 to strangers (wire.md 4)" {
  run post time-sync '{"messageId":"t1"}'
  [[ $output == *'"messageId":"t1"'* && $output == *timestamp* ]]
  printf '{"properties":{"temp":1}}' >"$home/plain"
  answer() { timeout 30 coap-client-openssl -B 10 -m post -f "$home/plain" "coap://127.0.0.1:$port/$1" 2>&1; }
  [[ $(answer sensor-coap-1/dev-1/properties/report) == *4.00* ]]
  [[ $(answer sensor-coap-1/dev-9/properties/report) == *4.01* ]]
  [[ $(answer no/such/path/here) == *4.04* ]]
  [[ $(answer .well-known/core) == *4.0* ]]
}

@test "a body in blocks arrives whole, one over maxMessageSize is 4.13" {
  post properties/report "{\"properties\":{\"temp\":24.5},\"code\":\"$(head -c 1500 /dev/zero | tr '\0' x)\"}" -b 64
  reported dev-1 24.5
  run post properties/report "{\"properties\":{\"temp\":1},\"code\":\"$(head -c 6000 /dev/zero | tr '\0' x)\"}" -b 256
  [[ $output == *4.13* ]]
  post properties/report '{"properties":{"temp":25.5}}'
  reported dev-1 25.5
}

@test "commands reach a device that observes its path; one that does not: UNSUPPORTED_MESSAGE at once" {
  post properties/report '{"properties":{"temp":26.5}}'
  run --separate-stderr jlctl device read dev-1 temp
  [[ $status -ne 0 && -z $output && $stderr == *UNSUPPORTED_MESSAGE* ]]
  printf '{"timestamp":%s}' "$(date +%s%3N)" | encrypted >"$home/proof"
  run_device observer coap-client-openssl -m fetch -s 60 -w -f "$home/proof" -o "$home/notified" "coap://127.0.0.1:$port/sensor-coap-1/dev-1"
  observes() { [[ $(jlctl network show coap-1 -o value=status.observers) == 1 ]]; }
  until_true 20 observes
  jlctl device read dev-1 temp -o json >"$home/answer" 3>&- &
  devices+=($!)
  notified() { decrypted <"$home/notified" 2>/dev/null | grep -q READ_PROPERTY; }
  until_true 20 notified
  id=$(decrypted <"$home/notified" | grep -o '"messageId":"[^"]*"' | tail -1)
  post properties/read/reply "{$id,\"properties\":{\"temp\":27.5}}"
  answered() { [[ -s $home/answer ]]; }
  until_true 20 answered
  jq -e '.data.properties.temp == 27.5' "$home/answer"
}

@test "DTLS with the device's own key: what is sent is plain, and only for that device" {
  printf '{"properties":{"temp":28.5}}' >"$home/plain"
  timeout 30 coap-client-openssl -B 10 -u dev-2 -k "$key" -m post -f "$home/plain" "coaps://127.0.0.1:$dtls_port/sensor-coaps-1/dev-2/properties/report"
  reported dev-2 28.5
  printf '{"properties":{"temp":99}}' >"$home/forged"
  run timeout 30 coap-client-openssl -B 3 -u dev-2 -k wrong-key-1234567 -m post -f "$home/forged" "coaps://127.0.0.1:$dtls_port/sensor-coaps-1/dev-2/properties/report"
  has_temperature dev-2 28.5
  # dev-1's key is not dev-2's proof.
  [[ $(timeout 30 coap-client-openssl -B 5 -u dev-1 -k "$key" -m post -f "$home/plain" "coaps://127.0.0.1:$dtls_port/sensor-coaps-1/dev-2/properties/report" 2>&1) == *4.01* ]]
}

@test "DTLS with the component's certificate, the payload encrypted as ever" {
  jlctl cert show web -o json >/dev/null
  printf '{"properties":{"temp":29.5}}' | encrypted >"$home/payload"
  timeout 30 coap-client-openssl -B 10 -n -m post -f "$home/payload" "coaps://127.0.0.1:$dtls_port/sensor-coaps-1/dev-2/properties/report"
  reported dev-2 29.5
}

@test "garbage, truncated messages and a flood leave the others served" {
  python3 - "$port" <<'PY'
import os, random, socket, sys
s = socket.socket(type=socket.SOCK_DGRAM)
random.seed(7)
good = b"\x40\x02\x12\x34\xb1a\x01b"
for n in range(5000):
    data = os.urandom(random.randrange(0, 64)) if n % 2 else good[:random.randrange(0, len(good))] + os.urandom(random.randrange(0, 8))
    s.sendto(data, ("127.0.0.1", int(sys.argv[1])))
PY
  post properties/report '{"properties":{"temp":30.5}}'
  reported dev-1 30.5
}

@test "CoAP over TCP is refused with a clear word when it is saved" {
  run --separate-stderr jlctl network add ctcp --type coap-server --port "$(free_udp_port)" --transport TCP
  [[ $status -ne 0 && -z $output && $stderr == *"not supported yet"* ]]
}
