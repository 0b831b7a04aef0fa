#!/usr/bin/env bats
# Slaves that misbehave over TCP: what they say is never taken for a value that it is not, they harm nobody else, and all
# is well as soon as they behave again (operations.md 2.5: 5, 6).
load helpers.bash
load modbus.bash

setup_file() {
  make_home
  port=$(free_port) other=$(free_port)
  export port
  start_rogue tcp "$port"
  start_slave other "$other"
  start_daemon
  # Ignore: whatever happens, the next request comes at its time.
  jlctl modbus channel add tcp --host 127.0.0.1 --port "$port" --request-timeout 300 --circuit-breaker Ignore --enabled
  jlctl modbus channel add other --host 127.0.0.1 --port "$other" --enabled
  add_points other 100 1 1
  watch_points tcp
}
teardown_file() {
  stop_slaves
  remove_home
}
teardown() { show_log; }

@test "late within the time, byte by byte and twice is fine" {
  endures tcp '* late 60'
  endures tcp '* bytes'
  late=$(channel_status tcp counters.late)
  endures tcp '* twice'
  [[ $(channel_status tcp counters.late) -gt $late ]]
}

@test "an answer after its time is dropped, and counted" {
  late=$(channel_status tcp counters.late)
  survives tcp '* late 450'
  [[ $error == *"no answer within 300 ms"* && $(channel_status tcp counters.late) -gt $late ]]
}

@test "four requests under way, answered the last one first" {
  jlctl modbus channel edit tcp --max-in-flight 4
  endures tcp '* reorder 4'
  grep -qx 'release 4' "$home/words-tcp"
  jlctl modbus channel edit tcp --max-in-flight 1
}

@test "answers of another unit, function or transaction are none" {
  for word in unit function id; do
    late=$(channel_status tcp counters.late)
    survives tcp "* $word"
    [[ $(channel_status tcp counters.late) -gt $late ]]
  done
}

@test "too short, half, nothing, garbage and a closed connection" {
  survives tcp '* short'
  for word in half never garbage close; do survives tcp "* $word"; done
  jlctl log system --logger modbus -o json | jq -e '[.data.items[].message] | any(contains("does not speak Modbus TCP"))'
}

@test "a flood costs its own channel only, and no memory" {
  memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(daemon_pid)/status"; }
  before=$(memory)
  misbehave tcp '* flood'
  flooded() { jlctl log system --logger modbus -o json | jq -e '[.data.items[].message] | any(contains("without an end"))' >/dev/null; }
  until_true 30 flooded
  # And again, as often as it connects.
  counts_on tcp failures
  for _ in {1..5}; do counts_on other values; done
  echo "from $before to $(memory) KiB"
  [[ $(memory) -lt $((before + 30000)) ]]
  misbehave tcp '* good'
  becomes_good tcp 30
  never_wrong tcp
}

@test "--verify fails when the slave keeps something else" {
  run --separate-stderr jlctl modbus write "tcp://127.0.0.1:$port" 7 99 --verify
  assert_error 10 device_error
  [[ $stderr == *"reads as 7 (0007)"* ]]
  jlctl modbus point edit tcp-100 --access read-write
  run --separate-stderr jlctl modbus point write tcp-100 99 --verify
  assert_error 10 device_error
  [[ $stderr == *"holds 0064 after 0063 was written"* ]]
  jlctl modbus point write tcp-100 99
}

@test "what people ask in the meantime is told why there is no answer" {
  misbehave tcp '* never'
  run --separate-stderr jlctl modbus read "tcp://127.0.0.1:$port" 7 --timeout-ms 100
  assert_error 8 timeout
  [[ $stderr == *"unit 1, HoldingRegisters 7: no answer within 100 ms"* ]]
  misbehave tcp '* short'
  run --separate-stderr jlctl modbus read "tcp://127.0.0.1:$port" 7 --quantity 2
  assert_error 10 device_error
  misbehave tcp '* garbage'
  run --separate-stderr jlctl modbus read "tcp://127.0.0.1:$port" 7 --timeout-ms 1000
  assert_error 1 network
  misbehave tcp '* close'
  run --separate-stderr jlctl modbus read "tcp://127.0.0.1:$port" 7
  assert_error 1 network
  misbehave tcp '* late 200'
  [[ $(jlctl modbus read "tcp://127.0.0.1:$port" 7 -o value=value) == 7 ]]
  misbehave tcp '* good'
}
