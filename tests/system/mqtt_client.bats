#!/usr/bin/env bats
# The MQTT client component with Debian's mosquitto as somebody else's broker, and the devices behind it: both ways,
# with the broker gone, killed and back, with its refusals, with TLS and with shared subscriptions.
load helpers.bash
load mqtt.bash

setup_file() {
  make_home
  install -d -m 0700 "$home/broker"
  make_authority lab
  make_authority other
  make_certificate server lab serverAuth
  make_certificate client lab clientAuth
  # Five listeners of one broker: for devices, for user and password, with TLS, with TLS on an address that its
  # certificate does not name, and with client certificates.
  broker_port=$(free_port) login_port=$(free_port) tls_port=$(free_port)
  misnamed_port=$(free_port) mutual_port=$(free_port)
  export broker_port login_port tls_port misnamed_port mutual_port
  mosquitto_passwd -b -c "$home/broker/passwords" gateway right-password
  cat >"$home/broker/mosquitto.conf" <<EOF
per_listener_settings true
user $(id -un)
persistence true
persistence_location $home/broker/
log_type all
listener $broker_port 127.0.0.1
allow_anonymous true
listener $login_port 127.0.0.1
allow_anonymous false
password_file $home/broker/passwords
listener $tls_port 127.0.0.1
allow_anonymous true
certfile $home/server.crt
keyfile $home/server.key
listener $misnamed_port 127.0.0.2
allow_anonymous true
certfile $home/server.crt
keyfile $home/server.key
listener $mutual_port 127.0.0.1
allow_anonymous true
certfile $home/server.crt
keyfile $home/server.key
cafile $home/lab.crt
require_certificate true
EOF
  start_broker
  start_daemon
  provision_behind_broker
}
teardown_file() {
  if [[ -f $home/broker/pid ]]; then kill -KILL "$(cat "$home/broker/pid")" 2>/dev/null || true; fi
  remove_home
}
teardown() {
  show_log
  [[ -n ${BATS_TEST_COMPLETED:-} ]] || { echo "--- broker"; tail -n 30 "$home/broker/log"; } || true
  end_clients
}

start_broker() {
  /usr/sbin/mosquitto -c "$home/broker/mosquitto.conf" >>"$home/broker/log" 2>&1 3>&- &
  echo $! >"$home/broker/pid"
  until_true 10 nc -z 127.0.0.1 "$broker_port"
}

# Ends the broker as a power cut would; its sessions are in its file when "saved" is said.
kill_broker() {
  local pid saves
  pid=$(cat "$home/broker/pid")
  if [[ ${1:-} == saved ]]; then
    saves=$(broker_says 'Saving in-memory database')
    kill -USR1 "$pid"
    until_true 10 has_saved "$saves"
  fi
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null || true
  until_true 10 not_running "$pid"
}
broker_says() { grep -c "$1" "$home/broker/log" || true; }
has_saved() { [[ $(broker_says 'Saving in-memory database') -gt $1 && -s $home/broker/mosquitto.db ]]; }

provision_behind_broker() {
  {
    cat <<EOF
kind: network
id: remote
spec: {type: MQTT_CLIENT, configuration: {remoteHost: 127.0.0.1, remotePort: $broker_port}}
---
kind: protocol
id: official
spec: {type: builtin, configuration: {builtin: jetlinks-official}}
---
kind: gateway
id: gw-remote
spec: {provider: mqtt-client-gateway, channelId: remote, protocol: official}
---
kind: product
id: sensor
enabled: true
spec:
  accessId: gw-remote
  metadata:
    properties:
      - {id: temp, name: Temperature, valueType: {type: double}, expands: {source: device, type: [read, report]}}
      - {id: target, name: Target, valueType: {type: double}, expands: {source: device, type: [read, write, report]}}
    functions:
      - {id: reboot, name: Reboot, inputs: [{id: delay, name: Delay, valueType: {type: int}}], output: {type: string}}
    events: []
    tags: []
EOF
    local device
    for device in dev-1 dev-2; do
      printf -- '---\nkind: device\nid: %s\nenabled: true\nspec: {productId: sensor}\n' "$device"
    done
  } >"$home/fleet.yaml"
  jlctl apply -f "$home/fleet.yaml"
}

status_of() { jlctl network show "$1" -o json | jq -r .data.status."$2"; }
is_in_state() { [[ $(status_of "$1" state) == "$2" ]]; }
is_running() { is_in_state "${1:-remote}" running; }
fails_with() { is_in_state "$1" failed && [[ $(status_of "$1" reason) == *"$2"* ]]; }

# A device behind the broker reports, QoS 1: report DEVICE TEMPERATURE
report() {
  mosquitto_pub -h 127.0.0.1 -p "$broker_port" -q 1 -t "/sensor/$1/properties/report" \
    -m "{\"messageId\":\"m$2\",\"properties\":{\"temp\":$2}}"
}
has_temp() { [[ $(jlctl device state "$1" -o value=properties.temp.value) == "$2" ]]; }
temps_of() {
  jlctl device messages "$1" --type REPORT_PROPERTY --limit 1000 -o json |
    jq -c '[.data.items[].message.properties.temp]'
}

# Waits until the broker has the component's subscription to reports: a report is heard.
is_heard() {
  report "$1" "$2"
  has_temp "$1" "$2"
}

# Starts device.py behind the broker; the broker's first listener takes any login.
start_device() {
  "$JL_SOURCE/tests/system/device.py" "$broker_port" "$1" subscribe >"$BATS_TEST_TMPDIR/device-$1" 2>&1 3>&- &
  clients+=($!)
  until_true 10 grep -q subscribed "$BATS_TEST_TMPDIR/device-$1"
}

# Another component with that configuration: add_remote ID PORT [flags]
add_remote() {
  local id=$1 port=$2
  shift 2
  jlctl network add "$id" --type mqtt-client --remote-host 127.0.0.1 --remote-port "$port" "$@"
}
drop_remote() {
  jlctl network disable "$1" --yes
  jlctl network delete "$1" --yes
}

@test "reports of two devices behind one broker arrive, and both are online" {
  until_true 20 is_running
  until_true 20 is_heard dev-1 20.5
  report dev-2 -3.25
  until_true 10 has_temp dev-2 -3.25
  [[ $(jlctl device list --state online -q | sort | xargs) == "dev-1 dev-2" ]]
  [[ $(jlctl gateway show gw-remote -o value=status.sessions) == 2 ]]
  jlctl network show remote -o json | jq -e '.data.status | .connections == 1 and .counters.receivedMessages >= 2'
}

@test "what devices send that are unknown here is dropped and counted, others are served" {
  mosquitto_pub -h 127.0.0.1 -p "$broker_port" -q 1 -t /sensor/stranger/properties/report -m '{"properties":{"temp":1}}'
  mosquitto_pub -h 127.0.0.1 -p "$broker_port" -q 1 -t /sensor/dev-2/properties/report -m 'no JSON {'
  report dev-2 -4.5
  until_true 10 has_temp dev-2 -4.5
  run jlctl device show stranger
  [[ $status -eq 3 ]]
  jlctl log system --level WARN --grep stranger -o json | jq -e '.data.items | length == 1'
}

@test "read, write and invoke are published to the broker and answered through it" {
  start_device dev-1
  stdbuf -oL mosquitto_sub -h 127.0.0.1 -p "$broker_port" -W 30 -C 1 -v -t '/sensor/+/properties/write' -d \
    >"$BATS_TEST_TMPDIR/seen" 2>&1 3>&- &
  clients+=($!)
  until_true 10 grep -q SUBACK "$BATS_TEST_TMPDIR/seen"
  until_true 20 is_heard dev-1 21
  [[ $(jlctl device write dev-1 target=22.5 -o json | jq .data.properties.target) == 22.5 ]]
  until_true 10 grep -q '^/sensor/dev-1/properties/write .*"target":22.5' "$BATS_TEST_TMPDIR/seen"
  [[ $(jlctl device read dev-1 target -o json | jq .data.properties.target) == 22.5 ]]
  [[ $(jlctl device invoke dev-1 reboot delay=5 -o json | jq -r .data.output) == "rebooting in 5 s" ]]
  grep -q 'write target=22.5' "$BATS_TEST_TMPDIR/device-dev-1"
}

@test "a broker that is killed comes back: what was sent meanwhile arrives, and commands go on" {
  until_true 20 is_running
  until_true 20 is_heard dev-2 100
  kill_broker saved
  is_not_running() { ! is_running; }
  until_true 20 is_not_running
  until_true 20 fails_with remote "connection refused"
  # The daemon serves others, and says what it cannot do.
  jlctl daemon wait --wait-timeout 5s
  run --separate-stderr jlctl device write dev-2 target=1
  [[ $status -ne 0 && -z $output ]]
  start_broker
  local value
  for value in 101 102 103 104 105; do report dev-2 "$value"; done
  until_true 30 has_temp dev-2 105
  has_all_of() { temps_of dev-2 | jq -e 'contains([101, 102, 103, 104, 105])' >/dev/null; }
  until_true 10 has_all_of
  is_running
  [[ $(status_of remote counters.connects) -ge 2 ]]
  # Its subscriptions are there again: also for what is sent from now on, also after the session is lost.
  kill_broker
  rm -f "$home/broker/mosquitto.db"
  start_broker
  until_true 40 is_heard dev-2 106
  start_device dev-2
  [[ $(jlctl device write dev-2 target=7.5 -o json | jq .data.properties.target) == 7.5 ]]
}

@test "what is sent while the daemon is killed arrives when it is back" {
  until_true 40 is_heard dev-1 200
  stop_daemon KILL
  local value
  for value in 201 202 203; do report dev-1 "$value"; done
  start_daemon
  until_true 30 has_temp dev-1 203
  temps_of dev-1 | jq -e 'contains([201, 202, 203])'
}

@test "a broker that is not there, refuses the password or is no broker is a status with a reason, not an error" {
  add_remote nobody "$(free_port)"
  until_true 10 fails_with nobody "connection refused"
  (umask 077 && printf 'wrong-password\n' >"$home/wrong" && printf 'right-password\n' >"$home/right")
  for version in 3.1.1 5; do
    add_remote login "$login_port" --username gateway --password-file "$home/wrong" --mqtt-version "$version"
    until_true 10 fails_with login "not authorised"
    jlctl network edit login --password-file "$home/right"
    until_true 20 is_running login
    drop_remote login
  done
  # A node's own configuration has its own password.
  jlctl apply -f - <<EOF
kind: network
id: own
spec:
  type: MQTT_CLIENT
  shareCluster: false
  cluster:
    - serverId: test-node
      configuration: {remoteHost: 127.0.0.1, remotePort: $login_port, username: gateway, password: right-password}
EOF
  until_true 20 is_running own
  stop_daemon
  start_daemon
  until_true 20 is_running own
  run grep -c -e right-password -e wrong-password "$daemon_log"
  [[ $output == 0 ]]
  run grep -c right-password <(jlctl network show own -o json; jlctl log system --limit 1000 -o json)
  [[ $output == 0 ]]
  drop_remote own
  # A TLS port in the clear, and the other way round.
  add_remote clear "$tls_port"
  until_true 10 fails_with clear "closed by the broker"
  add_remote covered "$broker_port" --secure
  until_true 10 fails_with covered "TLS handshake failed"
  jlctl network list -o json | jq -e '[.data.items[] | select(.id == "nobody").status.state] == ["failed"]'
  for id in nobody clear covered; do drop_remote "$id"; done
}

@test "TLS: verified by its own authority or not at all, under the right name unless told otherwise" {
  jlctl cert add lab --mode client --trust-file "$home/lab.crt"
  jlctl cert add foreign --mode client --trust-file "$home/other.crt"
  add_remote right "$tls_port" --secure --cert lab
  until_true 20 is_running right
  add_remote system "$tls_port" --secure
  until_true 10 fails_with system "certificate"
  add_remote wrong "$tls_port" --secure --cert foreign
  until_true 10 fails_with wrong "certificate"
  # Without the name's check the chain is still verified.
  jlctl network edit wrong --no-verify-host
  until_true 10 fails_with wrong "certificate"
  jlctl network add misnamed --type mqtt-client --remote-host 127.0.0.2 --remote-port "$misnamed_port" \
    --secure --cert lab
  until_true 10 fails_with misnamed "certificate"
  jlctl network edit misnamed --no-verify-host
  until_true 20 is_running misnamed
  for id in right system wrong misnamed; do drop_remote "$id"; done
  jlctl cert delete lab foreign --yes
}

@test "mutual TLS: the component shows its certificate" {
  jlctl cert add shown --mode client --authentication binomial --trust-file "$home/lab.crt" \
    --key-file "$home/client.key" --cert-file "$home/client.crt"
  jlctl cert add hidden --mode client --trust-file "$home/lab.crt"
  add_remote mutual "$mutual_port" --secure --cert hidden
  is_failed() { is_in_state mutual failed; }
  until_true 10 is_failed
  jlctl network edit mutual --cert shown
  until_true 20 is_running mutual
  drop_remote mutual
}

@test "a topic prefix shares the devices' messages with other subscribers of the group" {
  jlctl network edit remote --topic-prefix "\$share/g1/"
  until_true 20 is_running
  until_true 20 is_heard dev-1 300
  [[ $(broker_says "\\\$share/g1//+/+/properties/report") -ge 1 ]]
  stdbuf -oL mosquitto_sub -h 127.0.0.1 -p "$broker_port" -V mqttv5 -W 60 -q 1 -d -F 'got %t %q %r %p' \
    -t "\$share/g1//+/+/properties/report" >"$BATS_TEST_TMPDIR/other" 2>&1 3>&- &
  clients+=($!)
  until_true 10 grep -q SUBACK "$BATS_TEST_TMPDIR/other"
  local value
  for value in $(seq 301 312); do report dev-1 "$value"; done
  ours() { temps_of dev-1 | jq 'map(select(. > 300 and . < 400)) | length'; }
  theirs() { messages_of other | wc -l; }
  is_complete() { (($(ours) + $(theirs) == 12)); }
  until_true 10 is_complete
  # Both have a part, each message has gone to one of them.
  (($(ours) > 0 && $(theirs) > 0))
  jlctl network edit remote --unset configuration.topicPrefix
}

@test "a component that is disabled leaves the broker, and is back when enabled" {
  until_true 20 is_heard dev-1 400
  jlctl network disable remote --yes
  until_true 10 grep -q 'Client remote disconnected' "$home/broker/log"
  jlctl network enable remote
  until_true 20 is_running
  until_true 20 is_heard dev-1 401
}
