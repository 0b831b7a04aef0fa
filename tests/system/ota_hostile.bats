#!/usr/bin/env bats
# Devices that say what they should not about upgrades, too late, twice, or of others: nothing changes that must not.
load helpers.bash
load ota.bash

setup_file() {
  make_home
  start_daemon
  open_ota
  add_devices sensor dev-1 dev-2 dev-3 late-1 late-2 late-3
  add_firmware fw-1 1.0.0 1
  add_firmware fw-2 2.0.0 2
  start_devices sensor dev-1 dev-2
  jlctl ota task add roll-1 --firmware fw-1 --device dev-1 --device dev-2 --device dev-3 \
    --response-timeout 3600 --upgrade-timeout 3600
  told=$(heard dev-1 firmware/upgrade)
  heard dev-2 firmware/upgrade
  export told
}
teardown_file() {
  stop_devices
  remove_home
}
teardown() { show_log; }

records() { call '/v1/ota-tasks/roll-1/devices?history=true' && jq -S .items <<<"$body"; }
# The records do not change by what dev-1 says: ignores SUFFIX PAYLOAD
ignores() {
  records >"$home/before"
  tell dev-1 "$1" "$2"
  settled dev-1
  records | diff "$home/before" - || { echo "by $1 $2"; return 1; }
}
answer() { jq -c "{messageId} + ($1)" <<<"$told"; }

@test "replies to nothing, and to what another device was told" {
  ignores firmware/upgrade/reply '{"messageId":"unknown","success":true}'
  ignores firmware/upgrade/reply '{"messageId":"unknown","success":false,"message":"x"}'
  ignores firmware/upgrade/reply "$(heard dev-2 firmware/upgrade | jq -c '{messageId, success: false, message: "I am dev-2"}')"
  ignores firmware/upgrade/reply '{"messageId":{"a":1},"success":false}'
  ignores firmware/upgrade/reply '[]'
  ignores firmware/upgrade/reply 'no json'
  ignores firmware/upgrade/reply ''
  ignores firmware/upgrade/reply '{"messageId":null,"success":"perhaps"'
}

@test "progress of versions, firmware and devices that are none of it" {
  ignores firmware/upgrade/progress '{"progress":50,"version":"9.9.9"}'
  ignores firmware/upgrade/progress '{"progress":100,"complete":true,"success":true,"version":"9.9.9"}'
  ignores firmware/upgrade/progress '{"progress":50,"firmwareId":"fw-9","version":"1.0.0"}'
  ignores firmware/upgrade/progress '{"progress":50,"firmwareId":"fw-2","version":"2.0.0"}'
  ignores firmware/upgrade/progress '{"progress":50,"firmwareId":"fw-1","version":"2.0.0"}'
  ignores firmware/upgrade/progress '{"progress":100,"complete":true,"success":true,"firmwareId":"FW-1"}'
  ignores firmware/upgrade/progress "{\"progress\":100,\"complete\":true,\"success\":true,\"version\":\"$(printf '1%.0s' {1..5000})\"}"
  ignores firmware/report '{"version":"9.9.9"}'
  ignores firmware/report '{"version":["1.0.0"]}'
  ignores firmware/report '{"properties":{"version":"1.0.0"}}'
  ignores firmware/read/reply '{"version":"1.0.0","success":false}'
}

@test "a device speaks for nobody but itself, whatever its topic and its message say" {
  records >"$home/before"
  credentials dev-1 key-dev-1
  # A connection of its own: the daemon may close it.
  for topic in /sensor/dev-3/firmware/upgrade/progress /sensor/dev-1/child/dev-3/firmware/upgrade/progress; do
    credentials dev-1 key-dev-1
    mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i dev-1 -u "$mqtt_user" -P "$mqtt_password" -q 1 -t "$topic" \
      -m '{"progress":100,"complete":true,"success":true,"version":"1.0.0","deviceId":"dev-3"}' || true
  done
  hears dev-1 closed
  settled dev-1
  records | jq 'map(select(.deviceId == "dev-3"))' >"$home/after"
  jq 'map(select(.deviceId == "dev-3"))' "$home/before" | diff - "$home/after"
  jq -e '.[0].state == "waiting"' "$home/after"
  # In its own topic the message's deviceId means nothing: it is dev-1's.
  tell dev-1 firmware/upgrade/progress '{"progress":7,"version":"1.0.0","deviceId":"dev-3"}'
  has_record roll-1 dev-1 '.progress == 7'
  record roll-1 dev-3 | jq -e '.state == "waiting" and .progress == 0'
}

@test "progress that no number should be is 0 to 100, and no end of the upgrade" {
  for value in -1 -9223372036854775808 -1e300 0.4; do
    tell dev-1 firmware/upgrade/progress "{\"progress\":$value,\"version\":\"1.0.0\"}"
    settled dev-1
    record_is roll-1 dev-1 '.state == "processing" and .progress == 0' || { echo "$value"; record roll-1 dev-1; return 1; }
  done
  for value in 101 1e300 9223372036854775807 9223372036854775808 99999999999999999999999; do
    tell dev-1 firmware/upgrade/progress '{"progress":7,"version":"1.0.0"}'
    tell dev-1 firmware/upgrade/progress "{\"progress\":$value,\"version\":\"1.0.0\"}"
    settled dev-1
    # What cannot be read at all may as well leave it where it was.
    record_is roll-1 dev-1 '.state == "processing" and (.progress == 100 or .progress == 7)' || { echo "$value"; record roll-1 dev-1; return 1; }
  done
  tell dev-1 firmware/upgrade/progress '{"progress":30,"version":"1.0.0"}'
  has_record roll-1 dev-1 '.progress == 30'
  for value in '"x"' '[50]' '{"a":1}' 'NaN' '1e999' '--5' ; do
    tell dev-1 firmware/upgrade/progress "{\"progress\":$value,\"version\":\"1.0.0\"}"
    settled dev-1
    record_is roll-1 dev-1 '.state == "processing" and .progress >= 0 and .progress <= 100' || { echo "$value"; record roll-1 dev-1; return 1; }
  done
  tell dev-1 firmware/upgrade/progress '{"progress":31,"version":"1.0.0","complete":"perhaps","success":[true]}'
  tell dev-1 firmware/upgrade/progress '{"progress":32,"version":"1.0.0","success":false}'
  has_record roll-1 dev-1 '.state == "processing" and .progress == 32'
}

@test "texts of a megabyte, of no UTF-8 and of control characters are kept short and clean" {
  head -c 1048576 /dev/zero | tr '\0' x >"$home/long"
  printf '{"progress":40,"version":"1.0.0","complete":false,"success":true,"errorReason":"' >"$home/hostile"
  cat "$home/long" >>"$home/hostile"
  printf '"}' >>"$home/hostile"
  # A megabyte is above the component's limit: the connection ends, as often as the device tries.
  echo "firmware/upgrade/progress $home/hostile" >"$home/say-dev-2"
  hears dev-2 closed
  stop_device dev-2
  start_devices sensor dev-2
  printf '{"progress":41,"version":"1.0.0","complete":true,"success":false,"errorReason":"\xff\xfe\xc3"}' >"$home/hostile"
  tell_file dev-2 firmware/upgrade/progress "$home/hostile"
  settled dev-2
  record roll-1 dev-2 | jq -e '(.state == "processing" or .state == "failed") and ((.errorReason // "") | length <= 256)'
  { printf '{"version":"1.0.0","complete":true,"success":false,"errorReason":"\\u001b[31mred\\u0000\\n'; head -c 6000 "$home/long"; printf '"}'; } >"$home/hostile"
  call /v1/ota-tasks/roll-1/retry -X POST -H 'Content-Type: application/json' -d '{}'
  tell_file dev-2 firmware/upgrade/progress "$home/hostile"
  has_record roll-1 dev-2 '.state == "failed"'
  record roll-1 dev-2 | jq -e '.errorReason | utf8bytelength <= 256 and (test("[\\x00-\\x1f]") | not)'
  run jlctl ota task show roll-1
  assert_success
  [[ $(jlctl status -o value=ready) == true ]]
}

@test "what is over stays over: duplicates and late words change nothing" {
  tell dev-1 firmware/upgrade/reply "$(answer '{success: true}')"
  tell dev-1 firmware/upgrade/progress '{"progress":100,"complete":true,"success":true,"version":"1.0.0","firmwareId":"fw-1"}'
  has_record roll-1 dev-1 '.state == "success" and .progress == 100 and .completeTime > 0'
  [[ $(jlctl device show dev-1 -o json | jq -r .data.status.firmware.version) == 1.0.0 ]]
  ignores firmware/upgrade/progress '{"progress":100,"complete":true,"success":true,"version":"1.0.0","firmwareId":"fw-1"}'
  ignores firmware/upgrade/progress '{"progress":3,"version":"1.0.0"}'
  ignores firmware/upgrade/progress '{"progress":3,"version":"1.0.0","complete":true,"success":false,"errorReason":"after all not"}'
  ignores firmware/upgrade/reply "$(answer '{success: false, message: "too late"}')"
  ignores firmware/report '{"version":"0.1.0"}'
}

@test "a success after the time limits counts, noted as late; anything else does not (operations.md 1.3, 16)" {
  start_devices sensor late-1 late-2 late-3
  jlctl ota task add roll-late --firmware fw-2 --device late-1 --device late-2 --response-timeout 1 --upgrade-timeout 3600
  jlctl ota task add roll-slow --firmware fw-2 --device late-3 --response-timeout 3600 --upgrade-timeout 2
  late() { heard "$1" firmware/upgrade >/dev/null; }
  late late-1 && late late-2 && late late-3
  tell late-3 firmware/upgrade/progress '{"progress":60,"version":"2.0.0"}'
  has_record roll-late late-1 '.state == "failed" and .errorReason == "response timeout"'
  has_record roll-late late-2 '.state == "failed" and .errorReason == "response timeout"'
  has_record roll-slow late-3 '.state == "failed" and .errorReason == "upgrade timeout (last progress 60%)"'
  tell late-1 firmware/upgrade/progress '{"progress":90,"version":"2.0.0"}'
  tell late-1 firmware/upgrade/reply "$(heard late-1 firmware/upgrade | jq -c '{messageId, success: true}')"
  settled late-1
  record roll-late late-1 | jq -e '.state == "failed" and .progress == 0'
  tell late-1 firmware/upgrade/progress '{"progress":100,"complete":true,"success":true,"version":"2.0.0"}'
  has_record roll-late late-1 '.state == "success" and .note == "late" and .progress == 100 and .errorReason == null'
  tell late-3 firmware/report '{"version":"2.0.0"}'
  has_record roll-slow late-3 '.state == "success" and .note == "late"'
  # One that has failed by its own word stays failed.
  call /v1/ota-tasks/roll-late/retry -X POST -H 'Content-Type: application/json' -d '{}'
  heard late-2 firmware/upgrade 2
  tell late-2 firmware/upgrade/reply "$(heard late-2 firmware/upgrade 2 | jq -c '{messageId, success: false, message: "no"}')"
  has_record roll-late late-2 '.state == "failed" and .errorReason == "no"'
  tell late-2 firmware/upgrade/progress '{"progress":100,"complete":true,"success":true,"version":"2.0.0"}'
  settled late-2
  record roll-late late-2 | jq -e '.state == "failed" and .errorReason == "no"'
}

@test "after all this the daemon is the same process and says so" {
  kill -0 "$(daemon_pid)"
  run ! grep -E 'terminate|AddressSanitizer|assertion' "$daemon_log"
}
