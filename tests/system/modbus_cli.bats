#!/usr/bin/env bats
# The Modbus commands of jlctl: requests by hand, scan, test, watch, plan; their errors and exit codes; metrics; who may
# do what. With slaves of pymodbus and one that misbehaves.
load helpers.bash
load modbus.bash

setup_file() {
  make_home
  port=$(free_port) rtu_port=$(free_port) rogue_port=$(free_port)
  start_slave plc "$port" --units 1,3,17 --refuse 3:900:2
  start_slave rtu "$rtu_port" --rtu
  start_rogue rogue "$rogue_port"
  export port rtu_port rogue_port plc=tcp://127.0.0.1:$port
  share_with_nobody
  control_group=65534 write_config </dev/null
  start_daemon
  jlctl modbus channel add plc-1 --host 127.0.0.1 --port "$port" --request-timeout 500 --enabled
  jlctl modbus point add level --channel plc-1 --address 7 --interval 100 --access read-write
  jlctl modbus point add flow --channel plc-1 --address 50 --interval 100
  jlctl modbus point add setpoint --channel plc-1 --address 40201 --type float32 --access read-write
  jlctl modbus point add gone --channel plc-1 --address 900 --interval 100
  jlctl modbus channel add off --host 127.0.0.1 --port "$port" --disabled
  jlctl modbus point add off-point --channel off --address 1 --interval 100
}
teardown_file() {
  stop_slaves
  remove_home
}
teardown() { show_log; }

@test "read: one line for people, a document for programs, frames with --trace" {
  [[ $(jlctl modbus read "$plc" 40108) =~ ^'107  (006b, '[0-9]+' ms)'$ ]]
  jlctl modbus read "$plc" 40108 --unit 3 -o json |
    jq -e --arg plc "$plc" '.kind == "modbusValue" and (.data | .address == $plc and .unit == 3 and .start == 107 and .plc == "40108"
      and .function == "HoldingRegisters" and .type == "uint16" and .value == 107 and .hex == "006b")'
  [[ $(jlctl modbus read "$plc" 0x6B -o value=value) == 107 ]]
  [[ $(jlctl modbus read "$plc" 30108 --function InputRegisters -o value=value) == 107 ]]
  [[ $(jlctl modbus read "$plc" 10 --quantity 3 -o value=value) == "[10,11,12]" ]]
  run --separate-stderr jlctl modbus read "$plc" 107 --trace
  [[ $output == 107* && $stderr =~ sent.*' 00 00 00 06 01 03 00 6b 00 01'.*received.*' 00 00 00 05 01 03 02 00 6b' ]]
  jlctl modbus read "$plc" 107 --trace -o json | jq -e '.data.trace | map(.direction) == ["sent", "received"] and .[1].hex[-10:] == "010302006b"'
  [[ $(jlctl modbus read "rtu-over-tcp://127.0.0.1:$rtu_port" 5 -o value=value) == 5 ]]
  jlctl modbus read "rtu-over-tcp://127.0.0.1:$rtu_port" 5 --trace -o json | jq -e '.data.trace[0].hex[0:12] == "010300050001"'
}

@test "read and write over a channel go the way that it is polled" {
  connects=$(channel_status plc-1 counters.connects)
  [[ $(jlctl modbus read plc-1 107 -o value=value) == 107 ]]
  [[ $(jlctl modbus write plc-1 300 1.5 --type float32 --verify) == "1.5 written"* ]]
  jlctl modbus write plc-1 302 4 -o json | jq -e '.data | .result == "written" and .value == 4'
  [[ $(channel_status plc-1 counters.connects) == "$connects" ]]
}

@test "test: how long connection and answer took; an exception is an answer" {
  [[ $(jlctl modbus test "$plc") =~ ^"$plc unit 1 answers: ok  (connected in "[0-9]+" ms, answered in "[0-9]+" ms)"$ ]]
  jlctl modbus test "$plc" --address 900 -o json | jq -e '.data | .answer == "illegal data address (2)" and .rtt >= 0 and .connectMs >= 0'
  jlctl modbus test plc-1 --unit 17 -o json | jq -e '.data.unit == 17 and .data.answer == "ok"'
  run --separate-stderr jlctl modbus test "$plc" --unit 9 --timeout-ms 100
  assert_error 8 timeout
}

@test "scan: the units that answer, in order, each once" {
  [[ $(jlctl modbus scan "$plc" --units 1-20 --timeout-ms 150 -o jsonl | jq -cs 'map(.unit)') == "[1,3,17]" ]]
  jlctl modbus scan "$plc" --units 17,2,3,1-2 --all --timeout-ms 150 -o jsonl |
    jq -es 'map([.unit, .answers]) == [[1, true], [2, false], [3, true], [17, true]]'
  [[ $(jlctl modbus scan "$plc" --units 1 --address 900) == *1*true*"illegal data address (2)"* ]]
  run --separate-stderr jlctl modbus scan "$plc" --units 2 --timeout-ms 100
  [[ $status -eq 0 && $output != *true* ]]
  jlctl modbus scan plc-1 --units 1-4 --timeout-ms 150 -o jsonl | jq -es 'map(.unit) == [1, 3]'
  run --separate-stderr jlctl modbus scan "$plc" --units 0-3
  assert_error 2 bad_request
  run --separate-stderr jlctl modbus scan "tcp://127.0.0.1:$(free_port)" --units 1
  assert_error 1 network
}

@test "watch: values as they are read, of all points or some, with frames; --limit ends it" {
  jlctl modbus watch plc-1 level --limit 3 -o jsonl |
    jq -es 'length == 3 and all(.point == "level" and .value == 7 and .hex == "0007" and .quality == "good" and (.at | type == "string"))'
  jlctl modbus watch plc-1 --trace --limit 12 -o jsonl >"$home/watch"
  jq -es 'any(.frame == "sent") and any(.frame == "received") and any(.point == "level") and any(.point == "flow")' "$home/watch"
  [[ $(wc -l <"$home/watch") == 12 ]]
  [[ $(jlctl modbus watch plc-1 level --limit 1) == *level*7*good* ]]
  run --separate-stderr jlctl modbus watch plc-1 nowhere
  assert_error 3 not_found
  run --separate-stderr jlctl modbus watch off
  assert_error 4 disabled
  # The end of the channel is the end of the watch.
  jlctl modbus channel add short --host 127.0.0.1 --port "$port" --enabled
  add_points short 100 1 1
  timeout 30 jlctl modbus watch short -o jsonl >"$home/short" 3>&- &
  watcher=$!
  until_true 20 test -s "$home/short"
  jlctl modbus channel disable short --yes
  code=0
  wait "$watcher" || code=$?
  [[ $code -ne 124 ]]
  jlctl modbus channel delete short --yes
}

@test "plan: requests with their interval, place and points" {
  jlctl modbus plan plc-1 -o json | jq -e '.data | .points == 3 and ([.items[].ids] | add | sort == ["flow", "gone", "level"])'
  [[ $(jlctl modbus plan plc-1) == *HoldingRegisters* ]]
}

@test "what went wrong has its own exit code and word, in JSON as well" {
  run --separate-stderr jlctl modbus read "tcp://127.0.0.1:$(free_port)" 1
  assert_error 1 network
  [[ $stderr == *"connection refused"* ]]
  run --separate-stderr jlctl modbus read "$plc" 1 --unit 9 --timeout-ms 100
  assert_error 8 timeout
  run --separate-stderr jlctl modbus read "$plc" 900
  assert_error 10 device_error
  run --separate-stderr jlctl modbus read nowhere 1
  assert_error 3 not_found
  run --separate-stderr jlctl modbus read off 1
  assert_error 4 disabled
  run --separate-stderr jlctl modbus point read off-point
  assert_error 4 disabled
  run --separate-stderr jlctl modbus plan nowhere
  assert_error 3 not_found
  run --separate-stderr jlctl modbus read "$plc"
  assert_error 2 usage
  run --separate-stderr jlctl modbus read "$plc" 1 --type int17
  assert_error 2 usage
  for target in ftp://127.0.0.1 "$plc/1" "tcp://me@127.0.0.1:$port" tcp://127.0.0.1:70000 "$plc?speed=9600" rtu:///dev/null?baud=x; do
    run --separate-stderr jlctl modbus read "$target" 1
    [[ $status -eq 2 && $stderr == *'error[bad_request]: target "'* ]] || { echo "$target: $status $stderr"; return 1; }
  done
  run --separate-stderr jlctl modbus read "$plc" 70000
  assert_error 5 PARAMETER_ERROR
  for row in "8 timeout $plc 1 --unit 9 --timeout-ms 100" "10 device_error $plc 900" "1 network tcp://127.0.0.1:$(free_port) 1"; do
    # shellcheck disable=SC2086  # words
    set -- $row
    run --separate-stderr jlctl modbus read "${@:3}" -o json
    [[ $status -eq $1 && -z $output ]]
    jq -e --argjson exit "$1" --arg code "$2" '.error | .exitCode == $exit and .code == $code and (.message | length > 0)' <<<"$stderr"
  done
}

@test "a channel that cannot connect says why, and requests fail at once" {
  nobody=$(free_port)
  jlctl modbus channel add nobody --host 127.0.0.1 --port "$nobody" --enabled
  jlctl modbus point add nobody-1 --channel nobody --address 1 --interval 100
  has_channel_status nobody state failed
  [[ $(channel_status nobody reason) == *"connection refused"* ]]
  run --separate-stderr jlctl modbus point read nobody-1
  [[ $status -eq 1 && $stderr == *"not connected"* ]]
  has_status nobody-1 quality bad
  jlctl modbus channel add nowhere --host nowhere.invalid --enabled
  has_channel_status nowhere state failed
  [[ -n $(channel_status nowhere reason) ]]
  jlctl modbus channel disable nobody nowhere --yes
}

@test "metrics of every channel, for Prometheus" {
  curl -sS --unix-socket "$JLCTL_SOCKET" http://jlinkd/metrics >"$home/metrics"
  grep -qx 'jlinkd_modbus_connected{channel="plc-1"} 1' "$home/metrics"
  grep -qx 'jlinkd_modbus_points{channel="plc-1"} 4' "$home/metrics"
  grep -qE '^jlinkd_modbus_exceptions_total\{channel="plc-1",code="2"\} [1-9]' "$home/metrics"
  for name in requests values connects; do
    grep -qE "^jlinkd_modbus_${name}_total\{channel=\"plc-1\"\} [1-9]" "$home/metrics"
  done
  run ! grep -q 'channel="off"' "$home/metrics"
  # One explanation for each name.
  [[ -z $(grep '^# TYPE jlinkd_modbus' "$home/metrics" | sort | uniq -d) ]]
  jlctl status -o json | jq -e '.data.modbus | .running >= 1 and .points >= 4 and .good >= 2'
}

@test "help, manual pages and completions know them" {
  for verb in read write test scan watch plan bind unbind bindings "channel add" "point import" "point write"; do
    # shellcheck disable=SC2086  # words
    run jlctl modbus $verb --help
    [[ $status -eq 0 && $output == *Examples:*"jlctl modbus $verb"* ]]
  done
  for page in jlctl-modbus jlctl-modbus-channel jlctl-modbus-point; do
    man -l "$JL_SOURCE/man/$page.1" >"$home/page"
    grep -q "${page//-/ }\|$page" "$home/page"
  done
  complete() { jlctl __complete "$@" | cut -f 1; }
  complete modbus read "" | grep -qx plc-1
  complete modbus watch plc-1 "" | grep -qx level
  complete modbus point show se | grep -qx setpoint
  complete modbus channel edit plc-1 --circuit-breaker "" | grep -qx LowerFrequency
  complete modbus read plc-1 1 --type flo | grep -qx float32
  complete modbus bindings --channel "" | grep -qx plc-1
}

@test "a viewer looks, an operator reads and writes, neither adds" {
  [[ $(id -u) -eq 0 ]] || skip "needs root to act as another user"
  become() {
    control_group=65534 write_config <<<"roles: {$1: {users: [65534]}}"
    kill -HUP "$(daemon_pid)"
    has_role() { [[ $(as_nobody "$home/shared/jlctl" whoami -o value=role 2>/dev/null) == "$1" ]]; }
    until_true 30 has_role "$1"
  }
  nobody() { run --separate-stderr as_nobody "$home/shared/jlctl" modbus "$@"; }
  become viewer
  for row in "point list" "point show level" "channel show plc-1" "plan plc-1" "bindings" "watch plc-1 --limit 1" "point export plc-1"; do
    # shellcheck disable=SC2086  # words
    nobody $row
    assert_success
  done
  viewer_asks() {
    for row in "read $plc 300" "write $plc 300 1" "test $plc" "scan $plc --units 1" "point read setpoint" "point write setpoint 1" \
      "point add x --channel plc-1 --address 1" "channel disable plc-1 --yes" "point disable level --yes" "bind d p level"; do
      # shellcheck disable=SC2086  # words
      nobody $row
      assert_error 6 denied || { echo "$row"; return 1; }
    done
  }
  before=$(requests plc '[0-9]+' '[0-9]+' '(0|200|300)')
  viewer_asks
  [[ $(requests plc '[0-9]+' '[0-9]+' '(0|200|300)') == "$before" ]]
  become operator
  nobody read "$plc" 301
  assert_success
  nobody point write setpoint 2.5
  assert_success
  nobody point disable level --yes
  assert_success
  nobody point enable level
  assert_success
  nobody channel add x --host 127.0.0.1
  assert_error 6 denied
  nobody point delete flow --yes
  assert_error 6 denied
  jlctl log access -o json | jq -e '[.data.items[] | select(.uid == 65534 and .code == "denied") | .action] | any(. == "modbus write")'
}
