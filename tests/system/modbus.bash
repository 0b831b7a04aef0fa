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
has_connections() { [[ $(connections "$1") == "$2" ]]; }

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

# Adds polled points to a channel, id CHANNEL-ADDRESS: add_points CHANNEL INTERVAL FIRST LAST [UNIT [FURTHER-COLUMN VALUE]]
add_points() {
  local address
  {
    echo "id,unitId,address,interval${6:+,$6}"
    for ((address = $3; address <= $4; ++address)); do
      echo "$1-$address,${5:-1},$address,$2${7:+,$7}"
    done
  } | jlctl modbus point import "$1" - >/dev/null
}
# Whether all points of a channel are good.
all_good() { jlctl modbus channel show "$1" -o json | jq -e '.data.status | .state == "running" and .points > 0 and .good == .points' >/dev/null; }
becomes_good() { until_true "${2:-20}" all_good "$1" || { jlctl modbus channel show "$1" -o json; return 1; }; }
# Points whose registers hold their address have no other good value.
right_values() {
  jlctl modbus point list --channel "$1" -o json |
    jq -e 'all(.data.items[]; .status.quality != "good" or .status.value == (.spec.address | tonumber))' >/dev/null
}

# Adds points far apart to a channel, in blocks of the same length whose answers could be taken for each other, and
# writes down whatever is read there: watch_points CHANNEL
watch_points() {
  local address
  for address in 100 200 300 400; do add_points "$1" 100 "$address" "$((address + 1))"; done
  becomes_good "$1"
  jlctl modbus watch "$1" -o jsonl >"$home/watch-$1" 3>&- &
  echo $! >"$home/slave-watch-$1"
}
# No good value was ever anything but the address that it stands at.
never_wrong() {
  jq -es --arg channel "$1" 'map(select(.quality == "good" and (.point | startswith($channel))))
    | length > 0 and all(.value == (.point | split("-")[1] | tonumber))' "$home/watch-$1" >/dev/null ||
    { echo "wrong values:"; jq -c 'select(.quality == "good" and .value != (.point | split("-")[1] | tonumber))' "$home/watch-$1" | head; return 1; }
}
# Has the slave of a channel behave in a way until its points are bad, and then as it should: survives CHANNEL LINE...
survives() {
  misbehave "$1" "${@:2}"
  has_status "$1-200" quality bad
  error=$(point_status "$1-200" error)
  echo "$1, ${*:2}: $error"
  misbehave "$1" '* good'
  becomes_good "$1" 30
  never_wrong "$1"
  until_true 20 has_connections "$1" 1
}
# The same where nothing goes wrong: endures CHANNEL LINE...
endures() {
  misbehave "$1" "${@:2}"
  counts_on "$1" cycles
  for _ in {1..5}; do counts_on "$1" values; done
  all_good "$1"
  misbehave "$1" '* good'
  never_wrong "$1"
}
