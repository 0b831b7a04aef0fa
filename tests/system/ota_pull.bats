#!/usr/bin/env bats
# Devices that ask for firmware (设备拉取): what they are given, in which order, and when nothing (operations.md 1.4).
load helpers.bash
load transports.bash
load ota.bash

setup_file() {
  make_home
  start_daemon
  open_ota
  add_devices sensor dev-1 dev-2 dev-3 dev-4 dev-5
  add_firmware fw-3 3.0.0 30
  add_firmware fw-1 1.0.0 10
  add_firmware fw-2 2.0.0 20
  local order
  for order in 3 1 2; do
    jlctl ota task add "pull-$order" --firmware "fw-$order" --mode pull --device dev-1 --device dev-2 --device dev-3 \
      --device dev-4 --upgrade-timeout 3600
  done
  start_devices sensor dev-1 dev-2 dev-3 dev-4 dev-5
}
teardown_file() {
  stop_devices
  remove_home
}
teardown() {
  end_devices
  show_log
}

# A device asks; the answer is printed: pull DEVICE MESSAGE-ID ["further": members]
pull() {
  local count
  count=$(count_words "$1" '^got firmware/pull/reply ')
  tell "$1" firmware/pull "{\"messageId\":\"$2\"${3:+,$3}}"
  heard "$1" firmware/pull/reply $((count + 1)) | tee "$home/pulled"
}
# The answer that a device got is a firmware whose file can be had: offers FIRMWARE VERSION
offers() {
  jq -e --arg id "$1" --arg v "$2" --arg sign "$(sha256_of "$home/$1.bin")" '.success and .firmwareId == $id
    and .version == $v and .sign == $sign and .signMethod == "sha256" and .size == 50000' "$home/pulled" || return 1
  curl -sS -m 30 "$(jq -r .url "$home/pulled")" | cmp - "$home/$1.bin"
}
completes() { # completes DEVICE TASK VERSION
  tell "$1" firmware/upgrade/progress "{\"progress\":100,\"complete\":true,\"success\":true,\"version\":\"$3\"}"
  has_record "$2" "$1" '.state == "success"'
}

@test "by default a device walks up version by version, and then there is no update" {
  pull dev-1 q1 '"currentVersion":"0.1.0"' | jq -e '.messageId == "q1"'
  offers fw-1 1.0.0
  has_record pull-1 dev-1 '.state == "processing" and .deadline > 0 and (.ackDeadline // 0) == 0'
  completes dev-1 pull-1 1.0.0
  pull dev-1 q2 '"currentVersion":"1.0.0"'
  offers fw-2 2.0.0
  completes dev-1 pull-2 2.0.0
  # What it told last is its version, when it does not say.
  pull dev-1 q3
  offers fw-3 3.0.0
  completes dev-1 pull-3 3.0.0
  pull dev-1 q4 '"currentVersion":"3.0.0"'
  jq -e '.success == false and .code == "NO_UPDATE" and .messageId == "q4" and (has("url") | not)' "$home/pulled"
}

@test "latest is the largest order; the same question has the same answer, and begins nothing new" {
  pull dev-2 q1 '"currentVersion":"0.1.0","headers":{"latest":true}'
  offers fw-3 3.0.0
  cp "$home/pulled" "$home/first"
  record pull-3 dev-2 >"$home/record"
  pull dev-2 q1 '"currentVersion":"0.1.0","headers":{"latest":true}'
  diff <(jq -S 'del(.timestamp)' "$home/first") <(jq -S 'del(.timestamp)' "$home/pulled")
  record pull-3 dev-2 | jq -S 'del(.bytesServed, .progress)' | diff <(jq -S 'del(.bytesServed, .progress)' "$home/record") -
  completes dev-2 pull-3 3.0.0
  # Above the largest there is nothing, and nothing goes back by itself.
  pull dev-2 q2 '"currentVersion":"3.0.0","headers":{"latest":false}'
  jq -e '.code == "NO_UPDATE"' "$home/pulled"
}

@test "a version that is asked for by name is given, or none" {
  pull dev-3 q1 '"currentVersion":"0.1.0","requestVersion":"2.0.0"'
  offers fw-2 2.0.0
  completes dev-3 pull-2 2.0.0
  pull dev-3 q2 '"currentVersion":"2.0.0","requestVersion":"7.0.0","headers":{"latest":true}'
  jq -e '.success == false and .code == "NO_UPDATE"' "$home/pulled"
  # "" is no wish.
  pull dev-3 q3 '"currentVersion":"2.0.0","requestVersion":""'
  offers fw-3 3.0.0
}

@test "force serves again what is under way or has failed, never what was stopped" {
  pull dev-3 q4 '"currentVersion":"2.0.0"'
  jq -e '.code == "NO_UPDATE"' "$home/pulled"
  pull dev-3 q5 '"currentVersion":"2.0.0","headers":{"force":true}'
  offers fw-3 3.0.0
  tell dev-3 firmware/upgrade/progress '{"progress":20,"complete":true,"success":false,"version":"3.0.0","errorReason":"flash"}'
  has_record pull-3 dev-3 '.state == "failed" and .errorReason == "flash"'
  pull dev-3 q6 '"currentVersion":"2.0.0"'
  jq -e '.code == "NO_UPDATE"' "$home/pulled"
  pull dev-3 q7 '"currentVersion":"2.0.0","headers":{"force":true}'
  offers fw-3 3.0.0
  has_record pull-3 dev-3 '.state == "processing" and .attempt == 2'
  completes dev-3 pull-3 3.0.0
  call /v1/ota-tasks/pull-1/stop -X POST -H 'Content-Type: application/json' -d '{"devices":["dev-4"]}'
  call /v1/ota-tasks/pull-2/stop -X POST -H 'Content-Type: application/json' -d '{"devices":["dev-4"]}'
  call /v1/ota-tasks/pull-3/stop -X POST -H 'Content-Type: application/json' -d '{"devices":["dev-4"]}'
  pull dev-4 q1 '"headers":{"force":true}'
  jq -e '.code == "NO_UPDATE"' "$home/pulled"
  call /v1/ota-tasks/pull-2/resume -X POST -H 'Content-Type: application/json' -d '{"devices":["dev-4"]}'
  pull dev-4 q2 ''
  offers fw-2 2.0.0
}

@test "a device in no task gets nothing, and absurd questions get an answer or none, and change nothing" {
  pull dev-5 q1
  jq -e '.success == false and .code == "NO_UPDATE"' "$home/pulled"
  call '/v1/ota-tasks/pull-2/devices?history=true' && jq -S .items <<<"$body" >"$home/before"
  for body in '{"messageId":"a1","currentVersion":7,"requestVersion":{"a":1},"headers":"x"}' \
    '{"messageId":"a2","currentVersion":["1.0.0"],"headers":{"latest":"yes","force":[true]}}' \
    '{"messageId":"a3","requestVersion":"\u0000"}' '{"messageId":{"a":1}}' '{}' '[]' 'x' '' \
    "{\"messageId\":\"$(printf 'm%.0s' {1..3000})\"}" "{\"messageId\":\"a4\",\"currentVersion\":\"$(printf '9%.0s' {1..6000})\"}"; do
    tell dev-5 firmware/pull "$body"
  done
  settled dev-5
  # Whoever asks properly afterwards is answered.
  pull dev-5 q2
  jq -e '.messageId == "q2" and .code == "NO_UPDATE"' "$home/pulled"
  call '/v1/ota-tasks/pull-2/devices?history=true' && jq -S .items <<<"$body" | diff "$home/before" -
}

@test "devices are told that they come too many at once" {
  add_devices sensor many-1 many-2
  jlctl ota task add pull-many --firmware fw-1 --mode pull --device many-1 --device many-2 --max-in-flight 1 --upgrade-timeout 3600
  start_devices sensor many-1 many-2
  pull many-1 q1
  offers fw-1 1.0.0
  pull many-2 q1
  jq -e '.success == false and .code == "SYSTEM_BUSY"' "$home/pulled"
  completes many-1 pull-many 1.0.0
  pull many-2 q2
  offers fw-1 1.0.0
}

@test "a WebSocket device asks and is answered, message by message" {
  local port
  port=$(free_port)
  open_door ws-1 WEB_SOCKET_SERVER websocket-server "port: $port"
  add_device wsdev ws-1 bearer_token=w-token
  head -c 5000 /dev/urandom >"$home/fw-ws.bin"
  jlctl ota firmware add fw-ws --product sensor-ws-1 --version 1.0.0 --order 1 --image "$home/fw-ws.bin" --sign auto
  jlctl ota task add pull-ws --firmware fw-ws --mode pull --device wsdev
  run_device wsdev "$JL_SOURCE/tests/system/ota_websocket.py" "ws://127.0.0.1:$port/sensor-ws-1/wsdev/socket?token=w-token"
  hears wsdev '^upgraded 1.0.0'
  has_record pull-ws wsdev '.state == "success" and .bytesServed == 5000'
  hears wsdev '^refused NO_UPDATE'
}
