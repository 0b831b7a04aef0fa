#!/usr/bin/env bats
# Slaves that misbehave behind a serial server: RTU frames have no number that tells late answers from right ones, and
# no length that tells where one ends (operations.md 2.5: 6).
load helpers.bash
load modbus.bash

setup_file() {
  make_home
  port=$(free_port)
  export port
  start_rogue rtu "$port" --rtu
  start_daemon
  # Ignore: whatever happens, the next request comes at its time.
  jlctl modbus channel add rtu --transport rtu-over-tcp --host 127.0.0.1 --port "$port" --request-timeout 300 \
    --circuit-breaker Ignore --enabled
  watch_points rtu
}
teardown_file() {
  stop_slaves
  remove_home
}
teardown() { show_log; }

@test "late within the time, byte by byte, twice and noise before the answer are fine" {
  endures rtu '* late 60'
  endures rtu '* bytes'
  endures rtu '* twice'
  endures rtu '* noise'
  [[ $(channel_status rtu counters.garbageBytes) -gt 0 ]]
}

@test "a late answer is not taken for that of the next request" {
  late=$(channel_status rtu counters.late)
  survives rtu '* late 450'
  [[ $(channel_status rtu counters.late) -gt $late ]]
}

@test "another unit's or function's answer, too short, half, nothing, garbage, a closed connection" {
  for word in unit function short half never garbage close; do survives rtu "* $word"; done
}

@test "a flood is cut off" {
  survives rtu '* flood'
}
