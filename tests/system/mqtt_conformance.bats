#!/usr/bin/env bats
# The MQTT server against every normative statement of both specifications that can be tested from outside.
# What each test checks: tests/conformance/run --list
load helpers.bash
load mqtt.bash

setup_file() {
  make_home
  start_daemon
  provision
  add_application conformance mqtt-1
}
teardown_file() { remove_home; }
teardown() { show_log; }

# Runs the suite for one version; prints what failed and what was counted.
conforms() {
  local out=$BATS_TEST_TMPDIR/tap status=0
  "$JL_SOURCE/tests/conformance/run" --port "$mqtt_port" --user conformance \
    --password-file "$home/password-conformance" --version "$1" >"$out" || status=$?
  grep -A 1 '^not ok' "$out" || true
  tail -n 2 "$out"
  tail -n 2 "$out" >&3
  [[ $status -eq 0 ]]
}

@test "every statement that binds a server has a test" {
  "$JL_SOURCE/tests/conformance/run" --list >"$BATS_TEST_TMPDIR/list"
  run grep 'NO TEST' "$BATS_TEST_TMPDIR/list"
  [[ $status -eq 1 ]]
}

@test "the server conforms to MQTT 3.1.1" { conforms 3.1.1; }

@test "the server conforms to MQTT 5.0" { conforms 5.0; }

@test "the daemon serves on afterwards" {
  kill -0 "$(daemon_pid)"
  [[ $(jlctl network show mqtt-1 -o value=status.state) == running ]]
}
