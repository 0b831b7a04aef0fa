# Loaded after helpers.bash by the tests of Modbus: slaves in the background, and what they were asked.
# shellcheck disable=SC2154  # $home and $JL_SOURCE are set by helpers.bash

# Runs a slave of pymodbus until it is stopped, its words in $home/words-NAME: start_slave NAME ARGUMENTS...
start_slave() { start_program "$1" "$JL_SOURCE/tests/system/modbus_slave.py" "${@:2}"; }

# The same with one that misbehaves; how is said by misbehave: start_rogue NAME PORT [--rtu]
start_rogue() {
  misbehave "$1" '* good'
  start_program "$1" "$JL_SOURCE/tests/system/modbus_rogue.py" "$2" "$home/modes-$1" "${@:3}"
}
# How the rogue answers from now on, one line for a unit: misbehave NAME LINE...
misbehave() {
  printf '%s\n' "${@:2}" >"$home/modes-$1.new"
  mv "$home/modes-$1.new" "$home/modes-$1"
}

start_program() {
  "${@:2}" >"$home/words-$1" 2>&1 3>&- &
  echo $! >"$home/slave-$1"
  until_true 30 grep -q '^ready' "$home/words-$1" || { cat "$home/words-$1"; return 1; }
}
stop_slave() { # stop_slave NAME [SIGNAL]
  local pid
  pid=$(<"$home/slave-$1")
  kill "-${2:-TERM}" "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  until_true 20 not_running "$pid"
  rm -f "$home/slave-$1"
}
# For teardown_file.
stop_slaves() {
  local file
  for file in "$home"/slave-*; do
    [[ -f $file ]] && kill -KILL "$(<"$file")" 2>/dev/null
  done
  return 0
}

# How often a slave was asked: requests NAME [UNIT [FUNCTION [ADDRESS]]], each may be a pattern
requests() {
  local pattern="^request ${2:-[0-9]+} ${3:-[0-9]+} ${4:-[0-9]+} "
  grep -cE "$pattern" "$home/words-$1" || true
}
# Fails when the command has a slave asked for anything that is written: without_traffic NAME COMMAND...
without_writes() {
  local before
  before=$(requests "$1" '[0-9]+' '(5|6|15|16|22)')
  "${@:2}"
  [[ $(requests "$1" '[0-9]+' '(5|6|15|16|22)') == "$before" ]]
}
# The same of any request: for slaves that nothing is polled from.
without_traffic() {
  local before
  before=$(requests "$1")
  "${@:2}"
  [[ $(requests "$1") == "$before" ]]
}
connections() { grep -E '^(open|close) ' "$home/words-$1" | tail -n 1 | cut -d ' ' -f 2; }

point_status() { jlctl modbus point show "$1" -o value="status.$2" 2>/dev/null; }
point_is() { [[ $(point_status "$1" "$2") == "$3" ]]; }
# Waits until a point's status has a value: has_status POINT FIELD VALUE
has_status() { until_true 20 point_is "$@" || { jlctl modbus point show "$1" -o json; return 1; }; }
channel_status() { jlctl modbus channel show "$1" -o value="status.$2" 2>/dev/null; }
channel_is() { [[ $(channel_status "$1" "$2") == "$3" ]]; }
has_channel_status() { until_true 20 channel_is "$@" || { jlctl modbus channel show "$1" -o json; return 1; }; }
# How often something was counted, which must come to be more than it was: counts_on CHANNEL COUNTER
counter_passed() { [[ $(channel_status "$1" "counters.$2") -gt $3 ]]; }
counts_on() { until_true 20 counter_passed "$1" "$2" "$(channel_status "$1" "counters.$2")"; }

# Makes the gateway and product "boiler" of devices whose properties are points.
open_modbus() {
  jlctl apply -f - <<'EOF'
kind: protocol
id: modbus
spec: {type: builtin, configuration: {builtin: modbus-tcp}}
---
kind: gateway
id: gw-modbus
spec: {provider: modbus-tcp, protocol: modbus}
---
kind: product
id: boiler
enabled: true
spec:
  accessId: gw-modbus
  metadata:
    properties:
      - {id: temp, name: Temperature, valueType: {type: double}, expands: {source: device, type: [read, report]}}
      - {id: count, name: Count, valueType: {type: int}, expands: {source: device, type: [read, report]}}
      - {id: target, name: Target, valueType: {type: double}, expands: {source: device, type: [read, write, report]}}
      - {id: pump, name: Pump, valueType: {type: boolean}, expands: {source: device, type: [read, write, report]}}
EOF
}
