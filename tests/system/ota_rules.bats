#!/usr/bin/env bats
# What may be upgraded by what, what stays once a task is there, and what operators may do when (operations.md 1.1 to 1.3, 1.7).
load helpers.bash
load ota.bash

setup_file() {
  make_home
  start_daemon
  open_ota
  jlctl apply -f - <<EOF
kind: product
id: other
enabled: true
spec: $(product_spec gw-1)
---
kind: product
id: asleep
spec: $(product_spec gw-1)
---
kind: protocol
id: modbus
spec: {type: builtin, configuration: {builtin: modbus-tcp}}
---
kind: gateway
id: gw-modbus
spec: {provider: modbus-tcp, protocol: modbus}
---
kind: product
id: plc
enabled: true
spec: $(product_spec gw-modbus)
EOF
  add_devices sensor dev-1 dev-2 dev-3 dev-4 dev-5
  add_devices other foreign
  add_firmware fw-1 1.0.0 1
  add_firmware fw-2 2.0.0 2
}
teardown_file() {
  stop_devices
  remove_home
}
teardown() { show_log; }

# jlctl adds a firmware from another server: add ID [flags]
add() { run --separate-stderr jlctl ota firmware add "$1" --url http://127.0.0.1:9/x.bin --size 5 --sign-method md5 --sign 0cc175b9c0f1b6a831c399e269772661 "${@:2}"; }
operation() { call "/v1/ota-tasks/$1/$2" -X POST -H 'Content-Type: application/json' -d "${3:-{\}}"; }
code() { jq -r .code <<<"$body"; }

@test "an order or a version that the product has already names the firmware that has it" {
  add fw-x --product sensor --version 9.0.0 --order 1
  assert_error 4 already_exists
  [[ $stderr == *versionOrder* && $stderr == *'"fw-1"'* ]]
  add fw-x --product sensor --version 2.0.0 --order 9
  assert_error 4 already_exists
  [[ $stderr == *spec.version* && $stderr == *'"fw-2"'* ]]
  run --separate-stderr jlctl ota firmware edit fw-1 --order 2
  assert_error 4 already_exists
  # Of another product both may be.
  add fw-x --product other --version 1.0.0 --order 1
  assert_success
  jlctl ota firmware delete fw-x --yes
}

@test "a product that cannot be upgraded, is disabled or is not there is refused" {
  add fw-x --product plc --version 1 --order 1
  [[ $status -eq 5 && -z $output && $stderr == *supportFirmware* && $stderr == *plc* ]]
  add fw-x --product asleep --version 1 --order 1
  [[ $status -ne 0 && -z $output && $stderr == *disabled* ]]
  add fw-x --product nowhere --version 1 --order 1
  [[ $status -eq 5 && $stderr == *nowhere* ]]
  add fw-x --product sensor --version 1 --order 0
  assert_error 5 invalid
  add fw-x --product sensor --version 1 --order 100000
  assert_error 5 invalid
  add fw-x --product sensor --version "$(printf 'v%.0s' {1..65})" --order 9
  assert_error 5 invalid
  run --separate-stderr jlctl ota firmware add fw-x --product sensor --version 1 --order 9 --url http://127.0.0.1:9/x --size 5 --sign auto
  assert_error 5 invalid
  run --separate-stderr jlctl ota firmware add fw-x --product sensor --version 1 --order 9 --url http://127.0.0.1:9/x --sign "$(sha256_of "$home/fw-1.bin")"
  [[ $status -eq 5 && $stderr == *size* ]]
  run --separate-stderr jlctl ota firmware edit fw-1 --product other
  [[ $status -ne 0 && -z $output ]]
}

@test "a task is for devices of its firmware's product, and for some" {
  task() { run --separate-stderr jlctl ota task add roll-x --firmware fw-1 "$@"; }
  task --device foreign
  [[ $status -eq 5 && $stderr == *foreign* && $stderr == *other* ]]
  task --device nobody
  [[ $status -eq 5 && $stderr == *nobody* ]]
  task --where 'name=nobody'
  [[ $status -eq 5 && -z $output ]]
  task --where 'colour=red'
  [[ $status -eq 5 && $stderr == *colour* ]]
  task --device dev-1 --response-timeout 0
  [[ $status -ne 0 && -z $output ]]
  task --device dev-1 --upgrade-timeout 100000
  assert_error 5 invalid
  task --device dev-1 --groups 50% --groups 10%
  assert_error 5 invalid
  task --device dev-1 --error-threshold never
  assert_error 5 invalid
  task --mode pull --response-timeout 5
  assert_error 5 invalid
  run --separate-stderr jlctl ota task add roll-x --firmware fw-9 --device dev-1
  [[ $status -eq 5 && $stderr == *fw-9* ]]
  jlctl ota server disable main --yes
  task --device dev-1
  [[ $status -ne 0 && $stderr == *server* ]]
  jlctl ota server enable main
  run ! jlctl ota task exists roll-x
}

@test "once a task is there its firmware stays as it is, and is not deleted" {
  jlctl ota task add roll-1 --firmware fw-1 --device dev-1 --device dev-2 --device dev-3
  run --separate-stderr jlctl ota firmware delete fw-1 --yes
  assert_error 4 in_use
  [[ $stderr == *roll-1* ]]
  for change in '--version 1.0.1' '--order 7' "--sign $(sha256_of "$home/fw-2.bin") --image $home/fw-2.bin" '--file-name other.bin' '--size 7'; do
    # shellcheck disable=SC2086  # words
    run --separate-stderr jlctl ota firmware edit fw-1 $change
    [[ $status -ne 0 && -z $output ]]
  done
  jlctl ota firmware edit fw-1 --name "The first" --description "still to be named"
  jlctl ota firmware edit fw-2 --order 7
  jlctl ota firmware edit fw-2 --order 2
  for change in '--max-in-flight 9' '--upgrade-timeout 9' '--firmware fw-2' '--mode pull'; do
    # shellcheck disable=SC2086
    run --separate-stderr jlctl ota task edit roll-1 $change
    [[ $status -ne 0 && -z $output ]]
  done
  jlctl ota task edit roll-1 --name "Spring"
  run --separate-stderr jlctl ota server delete main --yes
  [[ $status -ne 0 && -z $output ]]
}

@test "a device is in one task of a firmware at a time; the others of it take part" {
  run --separate-stderr jlctl ota task add roll-2 --firmware fw-1 --device dev-1
  [[ $status -eq 5 && $stderr == *roll-1* ]]
  run --separate-stderr jlctl ota task add roll-2 --firmware fw-1
  assert_success
  [[ $stderr == *"3 of 5 devices"* && $stderr == *roll-1* ]]
  [[ $(task_status roll-2 total) == 2 ]]
  jlctl ota task add roll-3 --firmware fw-1 --device dev-4 --replace
  has_record roll-2 dev-4 '.state == "canceled" and (.errorReason | contains("roll-3"))'
  [[ $(task_status roll-3 waiting) == 1 && $(task_status roll-2 waiting) == 1 ]]
}

@test "stop makes waiting devices canceled and no others; resume makes them wait again" {
  start_devices sensor dev-1
  heard dev-1 firmware/upgrade
  has_record roll-1 dev-1 '.state == "processing"'
  operation roll-1 resume
  [[ $status_code == 409 && $(code) == conflict ]]
  operation roll-1 stop
  [[ $status_code == 200 ]]
  jq -e '.result == "updated" and .devices == 2 and .status.canceled == 2 and .status.processing == 1' <<<"$body"
  operation roll-1 stop
  [[ $status_code == 409 && $(code) == conflict ]]
  start_devices sensor dev-2
  settled dev-2
  [[ $(count_words dev-2 firmware/upgrade) == 0 ]]
  record roll-1 dev-2 | jq -e '.state == "canceled" and .attempt == 0'
  operation roll-1 resume '{"devices":["dev-2"]}'
  [[ $status_code == 200 && $(jq .devices <<<"$body") == 1 ]]
  heard dev-2 firmware/upgrade
  [[ $(task_status roll-1 canceled) == 1 && $(task_status roll-1 processing) == 2 ]]
  operation roll-1 resume '{"devices":["dev-1"]}'
  [[ $status_code == 409 ]]
  operation roll-1 resume
  record roll-1 dev-3 | jq -e '.state == "waiting"'
  # dev-1 was told once in all this.
  [[ $(count_words dev-1 firmware/upgrade) == 1 ]]
}

@test "a task with devices at it is not deleted, nor are their records; what is over is removed, the task with its last" {
  run --separate-stderr jlctl ota task delete roll-1 --yes
  assert_error 4 in_use
  [[ $stderr == *"1 devices wait"* && $stderr == *"2 are being"* ]]
  operation roll-1 remove '{"devices":["dev-1"]}'
  [[ $status_code == 409 ]]
  operation roll-1 remove
  [[ $status_code == 400 ]]
  operation roll-1 remove '{"devices":["dev-5"]}'
  [[ $status_code == 404 ]]
  operation roll-1 stop '{"devices":"dev-1"}'
  [[ $status_code == 400 ]]
  operation roll-9 stop
  [[ $status_code == 404 ]]
  operation roll-2 stop
  operation roll-2 remove '{"devices":["dev-4"]}'
  [[ $status_code == 200 && $(task_status roll-2 total) == 1 ]]
  operation roll-2 remove '{"devices":["dev-5"]}'
  [[ $status_code == 200 && $(jq -r .result <<<"$body") == deleted ]]
  run ! jlctl ota task exists roll-2
}

@test "failed devices are told again by retry, with a new message; those of a pull task are not" {
  tell dev-1 firmware/upgrade/reply "$(heard dev-1 firmware/upgrade | jq -c '{messageId, success: false, message: "not now"}')"
  has_record roll-1 dev-1 '.state == "failed" and .errorReason == "not now"'
  first=$(heard dev-1 firmware/upgrade | jq -r .messageId)
  operation roll-1 retry
  [[ $status_code == 200 && $(jq .devices <<<"$body") == 1 ]]
  [[ $(heard dev-1 firmware/upgrade 2 | jq -r .messageId) != "$first" ]]
  has_record roll-1 dev-1 '.state == "processing" and .attempt == 2 and .errorReason == null and .progress == 0'
  operation roll-1 retry
  [[ $status_code == 409 ]]
  jlctl ota task add roll-pull --firmware fw-2 --mode pull --device dev-1
  operation roll-pull retry
  [[ $status_code == 422 && $(code) == unsupported ]]
}

@test "a disabled or deleted device is out of it; the numbers still add up" {
  jlctl device disable dev-3 --yes
  has_record roll-1 dev-3 '.state == "canceled" and .errorReason == "device disabled"'
  stop_device dev-2
  jlctl device disable dev-2 --yes
  jlctl device delete dev-2 --yes
  has_record roll-1 dev-2 '.state == "canceled" and (.errorReason | startswith("device "))'
  call /v1/ota-tasks/roll-1
  jq -e '.status | .waiting + .processing + .success + .failed + .canceled == .total and .total == 3' <<<"$body"
}
