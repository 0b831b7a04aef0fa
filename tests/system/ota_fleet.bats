#!/usr/bin/env bats
# A thousand MQTT devices that are upgraded together, each with its own way of doing it right or wrong, with real
# downloads; and the same with the daemon killed in the middle.
load helpers.bash
load ota.bash

count=${JL_FLEET:-1000}
response_timeout=10

setup_file() {
  make_home
  start_daemon
  open_ota
  # shellcheck disable=SC2046  # ids are words
  add_devices sensor $(seq -f 'fleet-%.0f' "$count")
  add_firmware fw-1 1.0.0 1 200000 --properties '[{"id": "reboot", "value": "auto"}]'
  add_firmware fw-2 2.0.0 2 200000 --properties '[{"id": "reboot", "value": "auto"}]'
}
teardown_file() { remove_home; }
teardown() {
  if [[ -f $home/fleet ]]; then kill -KILL "$(<"$home/fleet")" 2>/dev/null || true; fi
  show_log
}

# Connects the devices and begins the task with them: begin TASK FIRMWARE FIRST-VERSION VERSION
begin() {
  "$JL_SOURCE/tests/system/ota_fleet.py" "$JLCTL_SOCKET" "$mqtt_port" sensor "$1" "$3" "$4" "$count" \
    "$response_timeout" 150 >"$home/words" 2>&1 3>&- &
  fleet=$!
  echo "$fleet" >"$home/fleet"
  until_true 60 says ready
  jlctl ota task add "$1" --firmware "$2" --response-timeout "$response_timeout" --upgrade-timeout 200 --max-in-flight 150
}
# Waits for the end of all of them; nothing may have gone another way than it should.
ended_well() {
  local code=0
  wait "$fleet" || code=$?
  rm -f "$home/fleet"
  cat "$home/words"
  [[ $code -eq 0 ]]
}
says() { grep -q "^$1" "$home/words" 2>/dev/null; }
# The numbers that every run ends with: ended_with TASK
ended_with() {
  call "/v1/ota-tasks/$1"
  jq -e --argjson n "$count" '.status | .success == $n * 890 / 1000 and .failed == $n * 110 / 1000 and .total == $n
    and .waiting == 0 and .processing == 0 and .canceled == 0 and .progress == 89 and .state == "failed"' <<<"$body"
}

@test "devices of all kinds are upgraded, fail and time out as they should; numbers always add up" {
  begin run-1 fw-1 0.9.0 1.0.0
  curl -sS -m 300 -N --unix-socket "$JLCTL_SOCKET" -H 'Accept: application/x-ndjson' "http://jlinkd/v1/ota-tasks/run-1/watch" >"$home/watched"
  ended_well
  ended_with run-1
  jq -es 'length > 3 and last.over and (.[:-1] | all(.over | not)) and last.success == ([.[].success] | max)
    and ([.[].success] | . == sort)' "$home/watched"
  jlctl ota server show main -o json | jq -e '.data.status | .downloads == 0 and .turnedAway == 0 and .refused == 0'
}

@test "with the daemon killed in the middle the end is the same, and nobody is told twice who has acknowledged" {
  jlctl ota server edit main --max-rate 1000000
  begin run-2 fw-2 1.0.0 2.0.0
  until_true 200 says half
  stop_daemon KILL
  start_daemon
  ended_well
  ended_with run-2
  [[ $(tail -n 1 "$home/words" | jq .outages) -ge 1 ]]
  # What was told before is as it was.
  ended_with run-1
}
