#!/usr/bin/env bats
# jlctl's side of remote upgrade against a real daemon: tasks that are followed on a terminal, in logs and by programs,
# how waiting ends, lists of devices in files, and what the verbs of tasks and firmware say.
load helpers.bash
load ota.bash

setup_file() {
  make_home
  start_daemon
  open_ota
  add_devices sensor dev-1 dev-2 dev-3 dev-4
  add_firmware fw-1 1.0.0 1
}
teardown_file() {
  stop_devices
  remove_home
}
teardown() {
  if [[ -n ${beside:-} ]]; then kill -KILL "$beside" 2>/dev/null || true; fi
  show_log
}

# What a device says when it has upgraded itself, or refuses to: ends_well DEVICE VERSION, refuses DEVICE REASON
ends_well() { tell "$1" firmware/upgrade/progress "{\"progress\":100,\"complete\":true,\"success\":true,\"version\":\"$2\"}"; }
refuses() {
  tell "$1" firmware/upgrade/reply \
    "$(heard "$1" firmware/upgrade "${3:-1}" | jq -c --arg why "$2" '{messageId, success: false, message: $why}')"
}
shows() { grep -qE -- "$2" "$1"; }
# Completion gives up after a quarter of a second, which may be too little for a busy machine: completes WORD WORDS...
completes() { until_true 30 offers "$@"; }
offers() { jlctl __complete "${@:2}" | cut -f 1 | grep -qxF -- "$1"; }
wait_for_line() { until_true 30 shows "$@" || { cat "$1"; return 1; }; }

@test "add --device-file: ids of a file and of --device take part; offline devices wait; --wait-timeout is 8" {
  printf '# north\r\ndev-1\r\n\r\n  dev-2 # roof\r\ndev-1\r\n' >"$home/north.txt"
  run --separate-stderr jlctl ota task add roll-1 --firmware fw-1 --device-file "$home/north.txt" --device dev-3 \
    --wait --wait-timeout 300ms
  assert_error 8 timeout
  [[ $stderr == *"success 0, waiting 3 of 3; the task goes on"* && $stderr == *"hint: jlctl ota task watch roll-1 --wait"* ]]
  jlctl ota task show roll-1 -o json | jq -e '.data | .status.state == "waiting" and .status.waiting == 3 and (.spec.deviceId | sort == ["dev-1", "dev-2", "dev-3"])'
  run --separate-stderr jlctl ota task watch roll-1 --wait --wait-timeout 200ms -o jsonl
  [[ $status -eq 8 ]]
  jq -e '.id == "roll-1" and .waiting == 3 and .over == false' <<<"$output"
  jq -e '.error | .code == "timeout" and .exitCode == 8 and .object == "ota-task/roll-1"' <<<"$stderr"
}

@test "add --device-file: lines that are no ids are told with their places, and nothing is made" {
  printf 'dev-1\ndev 2\n\ndev/3\n' >"$home/bad.txt"
  run --separate-stderr jlctl ota task add roll-x --firmware fw-1 --device-file "$home/bad.txt"
  assert_error 5 invalid
  [[ $stderr == *"$home/bad.txt:2:"* && $stderr == *"$home/bad.txt:4:"* ]]
  echo '# nobody' >"$home/none.txt"
  run --separate-stderr jlctl ota task add roll-x --firmware fw-1 --device-file "$home/none.txt"
  assert_error 5 invalid
  run ! jlctl ota task exists roll-x
}

@test "flags that mean nothing alone are usage errors" {
  run --separate-stderr jlctl ota task watch roll-1 --wait-timeout 1s
  assert_error 2 usage
  run --separate-stderr jlctl ota task add roll-x --firmware fw-1 --wait-timeout 1s
  assert_error 2 usage
  run --separate-stderr jlctl ota firmware add fw-x --product sensor --version 9 --order 9 --sign auto --fetch
  assert_error 2 usage
  run --separate-stderr jlctl ota firmware add fw-x --product sensor --version 9 --order 9 -f "$home/fw-1.bin"
  assert_error 2 usage
  [[ $stderr == *"--image $home/fw-1.bin"* ]]
}

@test "stop, resume and remove: devices that are named, how many there were, and codes" {
  run --separate-stderr jlctl ota task stop roll-1 dev-2 -o json
  assert_success
  jq -e '.kind == "mutation" and (.data | .result == "updated" and .devices == 1 and .status.canceled == 1)' <<<"$output"
  run --separate-stderr jlctl ota task stop roll-1 dev-2
  assert_error 4 conflict
  [[ $(jlctl ota task resume roll-1 -o name) == ota-task/roll-1 ]]
  run jlctl ota task stop roll-1 --exit-changed
  [[ $status -eq 21 ]]
  run --separate-stderr jlctl ota task watch roll-1 --wait
  [[ $status -eq 10 && $output == "roll-1: canceled 0%, success 0, canceled 3 of 3" ]]
  [[ $stderr == *"error[job_failed]: 3 of 3 devices were canceled"*"hint: jlctl ota task resume roll-1" ]]
  # Watching alone asks nothing of the end.
  run jlctl ota task watch roll-1
  [[ $status -eq 0 ]]
  run --separate-stderr jlctl ota task remove roll-1 dev-3
  assert_error 12 unconfirmed
  jlctl ota task remove roll-1 dev-3 --yes
  [[ $(task_status roll-1 total) == 2 ]]
  run --separate-stderr jlctl ota task delete roll-1
  assert_error 12 unconfirmed
  [[ $stderr == *"the records of 2 devices"* ]]
  run --separate-stderr jlctl ota task stop roll-9
  assert_error 3 not_found
  run --separate-stderr jlctl ota task watch roll-9 -o json
  [[ $status -eq 3 && -z $output && $(jq -r .error.code <<<"$stderr") == not_found ]]
}

@test "the bar is drawn again in one line on a terminal, and stays when the task is over" {
  jlctl ota task resume roll-1 dev-1
  script -qefc "stty cols 120; jlctl ota task watch roll-1 --wait" "$home/bar" </dev/null >/dev/null 3>&- &
  beside=$!
  wait_for_line "$home/bar" 'roll-1 \[x+ +\]   0% success 0, canceled 1, waiting 1 of 2'
  start_devices sensor dev-1
  heard dev-1 firmware/upgrade
  wait_for_line "$home/bar" 'processing 1'
  ends_well dev-1 1.0.0
  code=0
  wait "$beside" || code=$?
  beside=
  [[ $code -eq 10 ]]
  grep -qE 'roll-1 \[=+x+\]  50% success 1, canceled 1 of 2: canceled' "$home/bar"
  grep -q 'error\[job_failed\]: 1 of 2 devices was canceled' "$home/bar"
}

@test "Ctrl-C ends the watching with 130 and says that the task goes on" {
  jlctl ota task resume roll-1
  mkfifo "$home/keys"
  # What bash starts beside itself ignores SIGINT, and so would what that starts.
  env --default-signal=INT script -qefc "jlctl ota task watch roll-1 --wait" "$home/stopped" <>"$home/keys" >/dev/null 3>&- &
  beside=$!
  wait_for_line "$home/stopped" 'waiting 1 of 2'
  printf '\003' >"$home/keys"
  until_true 20 not_running "$beside"
  code=0
  wait "$beside" || code=$?
  beside=
  [[ $code -eq 130 ]]
  grep -q 'the task goes on: jlctl ota task watch roll-1 --wait' "$home/stopped"
  [[ $(task_status roll-1 waiting) == 1 ]]
}

@test "resume and retry --wait: what was done first, then to the end; one document for programs" {
  jlctl ota task stop roll-1
  jlctl ota task resume roll-1 --wait >"$home/out" 2>"$home/err" 3>&- &
  beside=$!
  wait_for_line "$home/err" 'waiting 1'
  start_devices sensor dev-2
  refuses dev-2 "battery low"
  code=0
  wait "$beside" || code=$?
  beside=
  [[ $code -eq 10 && ! -s $home/out ]]
  grep -q 'error\[job_failed\]: 1 of 2 devices failed' "$home/err"
  grep -q 'hint: jlctl ota task devices roll-1 --state failed' "$home/err"
  jlctl ota task retry roll-1 --wait -o json >"$home/out" 2>"$home/err" 3>&- &
  beside=$!
  heard dev-2 firmware/upgrade 2
  ends_well dev-2 1.0.0
  wait "$beside"
  beside=
  [[ ! -s $home/err ]]
  jq -e '.kind == "mutation" and (.data | .result == "updated" and .devices == 1 and .status.over and .status.success == 2 and .status.state == "success")' "$home/out"
}

@test "devices: a table, as JSON, by state, and what happened to each" {
  [[ $(jlctl ota task devices roll-1 --no-header | cut -f 1-4) == $'dev-1\tsuccess\t100\t1\ndev-2\tsuccess\t100\t2' ]]
  jlctl ota task devices roll-1 -o wide | head -n 1 | grep -q $'\tGROUP\tOLD-VERSION\tSERVED\t'
  [[ $(jlctl ota task devices roll-1 dev-2 -o name) == device/dev-2 ]]
  [[ $(jlctl ota task devices roll-1 --limit 1 -q) == dev-1 ]]
  [[ -z $(jlctl ota task devices roll-1 --state failed --no-header) ]]
  jlctl ota task devices roll-1 -o jsonl | jq -es 'map(.deviceId) == ["dev-1", "dev-2"]'
  jlctl ota task devices roll-1 dev-2 --history -o json | jq -e '.kind == "otaRecordList" and (.data.items[0].steps | length > 3)'
  jlctl ota task devices roll-1 dev-2 --history | grep -qE '^  [0-9TZ:.-]+  .*battery low'
  run --separate-stderr jlctl ota task devices roll-1 --state "done"
  assert_error 2 usage
  run --separate-stderr jlctl ota task devices roll-9
  assert_error 3 not_found
}

@test "a daemon that goes away while a task is watched is 7; waiting goes on with another jlctl" {
  jlctl ota task add roll-2 --firmware fw-1 --device dev-3
  jlctl ota task watch roll-2 --wait -o jsonl >"$home/out" 2>"$home/err" 3>&- &
  beside=$!
  wait_for_line "$home/out" '"waiting":1'
  stop_daemon KILL
  code=0
  wait "$beside" || code=$?
  beside=
  [[ $code -eq 7 ]]
  jq -e '.error | .retryable and (.hint | contains("jlctl ota task watch roll-2 --wait"))' "$home/err"
  start_daemon
  jlctl ota task watch roll-2 --wait >"$home/out" 2>&1 3>&- &
  beside=$!
  start_devices sensor dev-3
  heard dev-3 firmware/upgrade
  ends_well dev-3 1.0.0
  wait "$beside"
  beside=
  [[ $(tail -n 1 "$home/out") == "roll-2: success 100%, success 1 of 1" ]]
}

@test "check and verify say in a line what came, and a broken image is 10" {
  sha=$(sha256_of "$home/fw-1.bin")
  [[ $(jlctl ota check fw-1) == "fw-1 from server main: 50000 bytes in "*", sha256 $sha: ok  (http://"*")" ]]
  [[ $(jlctl ota check -o value=sha256) == "$sha" ]]
  [[ $(jlctl ota firmware verify fw-1) == "fw-1: 50000 bytes, sha256 $sha: ok" ]]
  jlctl ota firmware verify fw-1 -o json | jq -e --arg sha "$sha" '.kind == "otaVerification" and .data.actual == $sha'
  add_firmware fw-2 2.0.0 2
  file=$(find "$home/state/files" -type f -name "$(sha256_of "$home/fw-2.bin")")
  chmod u+w "$file"
  printf X | dd of="$file" bs=1 seek=100 conv=notrunc status=none
  run --separate-stderr jlctl ota firmware verify fw-2
  assert_error 10 job_failed
}

@test "add --fetch has the daemon download the image, and compares it with its sign" {
  head -c 300000 /dev/urandom >"$home/far.bin"
  port=$(free_port)
  python3 -m http.server "$port" --bind 127.0.0.1 --directory "$home" >/dev/null 2>&1 3>&- &
  beside=$!
  until_true 20 curl -fsS -o /dev/null "http://127.0.0.1:$port/far.bin"
  url=http://127.0.0.1:$port/far.bin
  sha=$(sha256_of "$home/far.bin")
  run --separate-stderr jlctl ota firmware add fw-far --product sensor --version 3.0.0 --order 3 --url "$url" \
    --size 300000 --sign "${sha/[0-9]/a}" --fetch
  assert_error 5 sign_mismatch
  run ! jlctl ota firmware exists fw-far
  jlctl ota firmware add fw-far --product sensor --version 3.0.0 --order 3 --url "$url" --size 300000 --sign "$sha" --fetch
  jlctl ota firmware show fw-far -o json | jq -e --arg sha "$sha" --arg url "$url" '.data.spec | .fileId == $sha and .url == $url and .size == 300000'
  run --separate-stderr jlctl ota firmware add fw-none --product sensor --version 4.0.0 --order 4 --url "$url.not" \
    --size 300000 --sign "$sha" --fetch
  [[ $status -ne 0 && -z $output && $stderr == *404* ]]
}

@test "names complete: tasks, firmware, servers and devices" {
  completes roll-2 ota task watch roll-
  completes dev-1 ota task devices roll-1 dev-
  completes dev-2 ota task stop roll-1 dev-1 dev-
  completes fw-1 ota task add x --firmware fw-
  completes dev-1 ota task add x --device dev-
  completes fw-1 ota firmware verify ''
  completes main ota check --server ''
  completes failed ota task devices roll-1 --state ''
}

@test "an ota server is enabled and disabled as other nouns are" {
  run --separate-stderr jlctl ota server disable main -o json
  assert_success
  jq -e '.data.result == "updated"' <<<"$output"
  [[ $(jlctl ota server disable main -o value=result) == unchanged ]]
  jlctl wait ota-server/main --for disabled --wait-timeout 5s
  run --separate-stderr jlctl ota check fw-1 --server main
  [[ $status -ne 0 && -z $output ]]
  jlctl ota server enable main
  run --separate-stderr jlctl ota server delete main
  assert_error 12 unconfirmed
}
