#!/usr/bin/env bats
# One device message all the way through, with real clients: mosquitto_pub, mosquitto_sub and a device on paho.
load helpers.bash

setup_file() {
  make_home
  start_daemon
  provision dev-1 dev-2 dev-3
}
teardown_file() { remove_home; }
teardown() {
  show_log
  if [[ -n ${client:-} ]]; then kill "$client" 2>/dev/null || true; fi
}

# Starts device.py; ends with the test.
start_device() {
  "$JL_SOURCE/tests/system/device.py" "$mqtt_port" "$1" >"$BATS_TEST_TMPDIR/device" 2>&1 3>&- &
  client=$!
  jlctl wait "device/$1" --for status.state=online --wait-timeout 10s
}

# Follows messages into a file until one has come.
tail_one() { jlctl message tail --limit 1 -o jsonl "$@" >"$BATS_TEST_TMPDIR/tail" 3>&- & tail_pid=$!; }
has_tail() { [[ -s $BATS_TEST_TMPDIR/tail ]]; }

@test "a property report is decoded, tailed, stored, and the latest value is shown" {
  tail_one --device dev-1 --type REPORT_PROPERTY
  report_until_tailed() {
    publish dev-1 properties/report '{"messageId":"m1","properties":{"temp":21.5}}'
    has_tail
  }
  until_true 30 report_until_tailed
  wait "$tail_pid"
  jq -e '.type == "REPORT_PROPERTY" and .deviceId == "dev-1" and .productId == "sensor" and .message.properties.temp == 21.5' \
    "$BATS_TEST_TMPDIR/tail"
  [[ $(jlctl device state dev-1 -o value=properties.temp.value) == 21.5 ]]
  jlctl device messages dev-1 --type REPORT_PROPERTY -o json | jq -e '.data.items[0].message.properties.temp == 21.5'
}

@test "a QoS 1 message is stored when it has been acknowledged" {
  publish dev-2 properties/report '{"properties":{"temp":-3.25}}'
  [[ $(jlctl device state dev-2 -o value=properties.temp.value) == -3.25 ]]
}

@test "QoS 0 and QoS 2 and MQTT 5 publishes arrive too" {
  value=30
  for flags in "-q 0" "-q 2" "-q 1 -V mqttv5" "-q 2 -V mqttv5" "-q 1 -V mqttv31"; do
    value=$((value + 1))
    # shellcheck disable=SC2086  # words of a command
    publish dev-2 properties/report "{\"properties\":{\"temp\":$value}}" $flags
    arrived() { [[ $(jlctl device state dev-2 -o value=properties.temp.value) == "$value"* ]]; }
    until_true 30 arrived
  done
}

@test "events and tags arrive with their own types" {
  publish dev-2 event/overheat '{"data":{"level":2}}'
  jlctl device messages dev-2 --type EVENT -o json | jq -e '.data.items[0].message | .event == "overheat" and .data.level == 2'
  publish dev-2 tags '{"tags":{"site":"north"}}'
  jlctl device state dev-2 -o json | jq -e '.data.tags.site == "north" or .data.tags.site.value == "north"'
}

@test "online while connected, offline at once when it leaves" {
  start_device dev-1
  jlctl device show dev-1 -o json | jq -e '.data.status.state == "online" and (.data.status.address | length > 0)'
  [[ $(jlctl device list --state online -q) == dev-1 ]]
  [[ $(jlctl gateway show gw-1 -o value=status.sessions) == 1 ]]
  kill "$client"
  jlctl wait device/dev-1 --for status.state=offline --wait-timeout 10s
}

@test "read, write and invoke are answered by the device" {
  start_device dev-1
  [[ $(jlctl device read dev-1 temp -o json | jq .data.properties.temp) == 21.5 ]]
  [[ $(jlctl device write dev-1 target=22.5 -o json | jq .data.properties.target) == 22.5 ]]
  [[ $(jlctl device read dev-1 target -o json | jq .data.properties.target) == 22.5 ]]
  [[ $(jlctl device invoke dev-1 reboot delay=5 -o json | jq -r .data.output) == "rebooting in 5 s" ]]
  grep -q 'write target=22.5' "$BATS_TEST_TMPDIR/device"
  [[ $(jlctl device state dev-1 -o value=properties.target.value) == 22.5 ]]
}

@test "a device that fails, or does not answer, or is away: 10, 8, 7" {
  start_device dev-1
  run --separate-stderr jlctl device invoke dev-1 broken
  assert_error 10 device_error
  [[ $stderr == *"motor is stuck"* ]]
  run --separate-stderr jlctl device invoke dev-1 silent --reply-timeout 300ms
  [[ $status -eq 8 && -z $output ]]
  run --separate-stderr jlctl device read dev-3 temp
  assert_error 7 CLIENT_OFFLINE
}

@test "commands are checked against the thing model before anything is sent (5)" {
  start_device dev-1
  run --separate-stderr jlctl device invoke dev-1 explode
  assert_error 5 FUNCTION_UNDEFINED
  run --separate-stderr jlctl device write dev-1 target=warm
  [[ $status -eq 5 && -z $output ]]
  run -1 grep -qE 'explode|warm' "$BATS_TEST_TMPDIR/device"
}

@test "device disconnect closes the connection" {
  start_device dev-1
  jlctl device disconnect dev-1 --yes
  until_true 30 grep -q closed "$BATS_TEST_TMPDIR/device"
  jlctl wait device/dev-1 --for status.state=offline --wait-timeout 10s
}

@test "disabling a device cuts it, and --max-disconnect 0 forbids that (4)" {
  start_device dev-3
  run --separate-stderr jlctl device disable dev-3 --yes --max-disconnect 0
  assert_error 4 disconnect_limit
  [[ $(jlctl device show dev-3 -o value=status.state) == online ]]
  jlctl device disable dev-3 --yes -o json | jq -e '.data.disconnected == 1'
  until_true 30 grep -q closed "$BATS_TEST_TMPDIR/device"
  credentials dev-3 key-dev-3
  run mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i dev-3 -u "$mqtt_user" -P "$mqtt_password" -t x -m x
  [[ $status -ne 0 ]]
  jlctl device enable dev-3
}

@test "a second connection of the same device takes over" {
  start_device dev-1
  publish dev-1 properties/report '{"properties":{"temp":1}}'
  until_true 30 grep -q closed "$BATS_TEST_TMPDIR/device"
}

@test "wrong credentials are refused with CONNACK 4 in 3.1.1, 134 or 135 in 5" {
  credentials dev-1 wrong-key
  run mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i dev-1 -u "$mqtt_user" -P "$mqtt_password" -t x -m x
  [[ $status -eq 4 ]]
  run mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i dev-1 -t x -m x
  [[ $status -eq 4 || $status -eq 5 ]]
  run mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i nobody -u "$mqtt_user" -P "$mqtt_password" -t x -m x
  [[ $status -eq 4 || $status -eq 5 ]]
  run mosquitto_pub -V mqttv5 -h 127.0.0.1 -p "$mqtt_port" -i dev-1 -u "$mqtt_user" -P "$mqtt_password" -t x -m x
  [[ $status -eq 134 || $status -eq 135 ]]
}

@test "a clock that is six minutes off is refused" {
  mqtt_user="dev-1|$(($(date +%s%3N) - 360000))"
  mqtt_password=$(printf '%s|key-dev-1' "$mqtt_user" | md5sum | cut -d ' ' -f 1)
  run mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i dev-1 -u "$mqtt_user" -P "$mqtt_password" -t x -m x
  [[ $status -eq 4 ]]
}

@test "an unknown topic is acknowledged and nothing is stored" {
  publish dev-2 no/such/topic '{"properties":{"temp":13}}'
  jlctl device messages dev-2 -o json | jq -e '[.data.items[] | select(.type != "ONLINE" and .type != "OFFLINE")][0].message.properties.temp != 13'
}

@test "a payload that is no JSON is acknowledged, dropped, and the device stays" {
  publish dev-2 properties/report '{"properties":'
  publish dev-2 properties/report '{"properties":{"temp":44}}'
  [[ $(jlctl device state dev-2 -o value=properties.temp.value) == 44* ]]
}

@test "time-sync is answered to the device" {
  credentials dev-2 key-dev-2
  run timeout 10 mosquitto_rr -h 127.0.0.1 -p "$mqtt_port" -i dev-2 -u "$mqtt_user" -P "$mqtt_password" -q 1 \
    -t /sensor/dev-2/time-sync -e /sensor/dev-2/time-sync/reply -m '{"messageId":"t1"}'
  assert_success
  jq -e '.messageId == "t1" and .timestamp > 1700000000000' <<<"$output"
}

@test "latest values and messages survive kill -9" {
  publish dev-2 properties/report '{"properties":{"temp":77.25}}'
  kill -KILL "$(daemon_pid)"
  until_true 30 not_running "$(daemon_pid)"
  start_daemon
  [[ $(jlctl device state dev-2 -o value=properties.temp.value) == 77.25 ]]
  jlctl device messages dev-2 --type REPORT_PROPERTY --limit 1 -o json | jq -e '.data.items[0].message.properties.temp == 77.25'
}
