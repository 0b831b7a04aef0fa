#!/usr/bin/env bats
# The first command of the README, as a newcomer runs it.
load helpers.bash

setup() { make_home; }
teardown() { remove_home; }

@test "examples/quickstart shows a real device online with its value, then offline, and cleans up" {
  run env XDG_RUNTIME_DIR="$home" JL_BUILD="${JL_BUILD:-}" "$JL_SOURCE/examples/quickstart"
  assert_success
  [[ $output == *demo-1*online* && $output == *demo-1*offline* && $output == *REPORT_PROPERTY* ]]
  [[ -z $(find "$home" -name pid) ]]
}

run_example() { run env JL_BUILD="${JL_BUILD:-}" "$JL_SOURCE/examples/$1"; }

@test "examples/certs makes an authority and a certificate, tests it and renews it" {
  run_example certs
  assert_success
}

@test "examples/applications shows what an application hears of a device" {
  run_example applications
  assert_success
  [[ $output == *'/device/th-sensor/demo-1/message/property/report {'* && $output == *'"temp":21.5'* ]]
}

@test "examples/remote-broker loses no report while the broker is away" {
  run_example remote-broker
  assert_success
  [[ $output == *'{"temp":20}'* && $output == *'{"temp":21}'* ]]
}

@test "examples/transports lets one device in by every door" {
  run_example transports
  assert_success
  for device in tcp-1 udp-1 http-1 ws-1 coap-1; do [[ $output == *"$device"*REPORT_PROPERTY* ]]; done
}

@test "examples/import-jetlinks moves a site and lets its device in" {
  run_example import-jetlinks
  assert_success
  [[ $output == *'gateway/1702940000000000002: provider: not carried'* && $output == *th-0001*REPORT_PROPERTY* ]]
}

@test "examples/packages teaches the daemon three protocols, and one anew while its device stays connected" {
  run_example packages
  assert_success
  [[ $output != *$'\tfailed'* && $output == *'"power":1500'* && $output == *'"power":1.48'* ]]
  [[ $output == *SyntaxError* && $output == *"blinked 3 times"* && $output == *$'dtu-1\tthermostat\tonline'* ]]
}

@test "examples/modbus makes a device of a boiler's registers, reads and writes it" {
  run_example modbus
  assert_success
  [[ $output == *boiler-1*online* && $output == *boiler-setpoint*60*good* && $output == *"50.5  (424a0000"* ]]
  [[ $output == *device/boiler-1*hours*boiler-hours* ]]
}

@test "examples/ota refuses a wrong sign and upgrades two meters, one of them later" {
  run_example ota
  assert_success
  [[ $output == *"error[sign_mismatch]"* && $output == *meter-1*success*100* && $output == *"success 100%, success 2 of 2"* ]]
  [[ $output == *"spec.version: cannot change: ota-task/roll-2.0 rolls it out"* ]]
}
