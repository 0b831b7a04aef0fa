#!/usr/bin/env bats
# Modbus channels, points and bindings as resources, and the devices that are made of them, with a slave of pymodbus.
load helpers.bash
load modbus.bash

setup_file() {
  make_home
  port=$(free_port)
  export port
  start_slave plc "$port" --units 1,2
  start_daemon
  open_modbus
  jlctl modbus channel add plc-1 --host 127.0.0.1 --port "$port" --request-timeout 1000 --enabled
  jlctl modbus point add count --channel plc-1 --address 40008 --interval 100 --enabled
  jlctl modbus point add temp --channel plc-1 --address 0x10 --function InputRegisters --scale 0.5 --interval 100 --enabled
  jlctl modbus point add target --channel plc-1 --address 100 --type float32 --access read-write --enabled
  jlctl modbus point add pump --channel plc-1 --address 8 --function Coils --access read-write --interval 200 --enabled
  jlctl apply -f - <<'EOF'
kind: device
id: boiler-1
enabled: true
spec:
  productId: boiler
  bindings:
    - {property: count, point: count}
    - {property: temp, point: temp}
    - {property: target, point: target}
    - {property: pump, point: pump}
EOF
  jlctl wait device/boiler-1 --for status.state=online --wait-timeout 20s
}
teardown_file() {
  stop_slaves
  remove_home
}
teardown() { show_log; }

value_is() { [[ $(jlctl device state "$1" -o value="properties.$2.value" 2>/dev/null) == "$3" ]]; }
has_value() { until_true 20 value_is "$@"; }
session_of() { jlctl device show "$1" -o json | jq -e 'select(.data.status.state == "online") | .data.status.since'; }
state_of() { jlctl device show "$1" -o value=status.state; }

@test "points say where their value stands in any notation, and show the value, its bytes and how good it is" {
  [[ $(jlctl modbus point show count -o value=spec.address) == 7 ]]
  [[ $(jlctl modbus point show temp -o value=spec.address) == 16 ]]
  has_status count quality good
  jlctl modbus point show count -o json |
    jq -e '.data.status | .value == 7 and .hex == "0007" and .collectState == "running" and (.at | type == "string") and .rtt >= 0'
  [[ $(point_status temp value) == 8 ]]
  jlctl modbus channel show plc-1 -o json |
    jq -e '.data.status | .state == "running" and .points == 4 and .bad == 0 and .units[0].unit == 1 and .counters.connects == 1'
  [[ $(jlctl modbus point list --function Coils -q) == pump ]]
  [[ $(jlctl modbus point list --channel plc-1 --name 't*' -q | sort | paste -sd ' ') == "target temp" ]]
  [[ $(jlctl modbus channel list) == *plc-1*running* ]]
}

@test "what cannot be is refused, with the field's name (operations.md 2.1, 2.2)" {
  add() { run --separate-stderr jlctl modbus point add wrong --channel plc-1 "$@"; }
  add --address 70000
  assert_error 5 invalid
  [[ $stderr == *address* && $stderr == *70000* ]]
  add --address 1 --function Coils --type int16
  assert_error 5 invalid
  [[ $stderr == *spec.type* ]]
  add --address 400001 --function InputRegisters
  assert_error 5 invalid
  add --address 1 --function InputRegisters --access read-write
  assert_error 5 invalid
  [[ $stderr == *spec.access* ]]
  add --address 1 --interval 5
  assert_error 5 invalid
  add --address 1 --type string --quantity 126
  assert_error 5 invalid
  add --address 65535 --type int32
  assert_error 5 invalid
  add --address 1 --unit 0
  assert_error 5 invalid
  add --address 1 --unit 256
  assert_error 5 invalid
  add --address 1 --type int32 --order ABCDEFGH
  assert_error 5 invalid
  run --separate-stderr jlctl modbus point add wrong --channel plc-9 --address 1
  assert_error 5 invalid
  run --separate-stderr jlctl modbus point add wrong --channel plc-1 --address 7
  assert_error 4 conflict
  [[ $stderr == *'"count"'* ]]
  run --separate-stderr jlctl modbus channel add wrong --transport rtu
  assert_error 5 invalid
  run --separate-stderr jlctl modbus channel add wrong --host 127.0.0.1 --device /dev/ttyS0
  assert_error 5 invalid
  [[ $(jlctl modbus point list -q | wc -l) == 4 && $(jlctl modbus channel list -q) == plc-1 ]]
}

@test "what is polled becomes the device's values, reports in its history and messages on the bus" {
  has_value boiler-1 temp 8
  has_value boiler-1 count 7
  has_value boiler-1 pump false
  jlctl device show boiler-1 -o json | jq -e '.data.status | .gateway == "gw-modbus" and .address == "modbus:plc-1"'
  jlctl device messages boiler-1 --type REPORT_PROPERTY --limit 50 -o json |
    jq -e '[.data.items[].message.properties] | any(.temp == 8) and any(.count == 7)'
  jlctl message tail --device boiler-1 --type REPORT_PROPERTY --limit 10 -o jsonl |
    jq -es 'map(.message.properties) | any(.temp == 8) and any(.count == 7)'
}

@test "properties are read and written at the slave, and answered from its reply" {
  [[ $(jlctl device read boiler-1 count temp -o json | jq -c .data.properties) == '{"count":7,"temp":8}' ]]
  before=$(requests plc 1 16 100)
  jlctl device write boiler-1 target=21.5 -o json | jq -e '.data.properties.target == 21.5'
  [[ $(requests plc 1 16 100) == $((before + 1)) ]]
  mbpoll -1 -0 -B -p "$port" -t 4:float -r 100 127.0.0.1 | grep -qE '^\[100\]:[[:space:]]+21.5$'
  mbpoll -1 -0 -B -p "$port" -t 4:float -r 100 127.0.0.1 5.25
  [[ $(jlctl device read boiler-1 target -o json | jq .data.properties.target) == 5.25 ]]
  has_value boiler-1 target 5.25
  jlctl device write boiler-1 pump=true
  has_value boiler-1 pump true
  mbpoll -1 -0 -p "$port" -t 0 -r 8 127.0.0.1 | grep -qE '^\[8\]:[[:space:]]+1$'
}

@test "a point that is only read is not written, by the property, by its id or by bytes that do not fit: no request" {
  no_traffic() {
    run --separate-stderr jlctl device write boiler-1 count=3
    [[ $status -eq 5 ]]
    run --separate-stderr jlctl modbus point write count 3
    assert_error 5 unsupported
    [[ $stderr == *"read only"* ]]
    # The property may be written, its point may not.
    jlctl modbus unbind boiler-1 target
    jlctl modbus bind boiler-1 target count
    run --separate-stderr jlctl device write boiler-1 target=3
    jlctl modbus bind boiler-1 target target
    [[ $status -eq 10 && $stderr == *"read only"* ]]
    run --separate-stderr jlctl device write boiler-1 target=1e300
    [[ $status -eq 10 && $stderr == *"out of range"* ]]
  }
  without_writes plc no_traffic
}

@test "points are read and written by id, polled or not; --verify reads back" {
  jlctl modbus point write target 55.5 --verify -o json | jq -e '.data | .result == "written" and .value == 55.5 and .hex == "425e0000"'
  jlctl modbus point read target -o json | jq -e '.data | .value == 55.5 and .quality == "good"'
  [[ $(point_status target value) == 55.5 ]]
  jlctl modbus point read count temp pump -o jsonl | jq -es 'map(.value) == [7, 8, true]'
  run --separate-stderr jlctl modbus point read nowhere
  assert_error 3 not_found
}

@test "the device is offline while none of its points can be read, and online again with the slave" {
  stop_slave plc
  jlctl wait device/boiler-1 --for status.state=offline --wait-timeout 20s
  has_status count quality bad
  jlctl modbus channel show plc-1 -o json | jq -e '.data.status | .state != "running" and (.reason | length > 0)'
  jlctl modbus point show count -o json | jq -e '.data.status | .collectState == "error" and .value == 7 and (.error | length > 0)'
  run --separate-stderr jlctl device read boiler-1 count
  assert_error 7 CLIENT_OFFLINE
  start_slave plc "$port" --units 1,2
  jlctl wait device/boiler-1 --for status.state=online --wait-timeout 30s
  has_status count quality good
  [[ $(connections plc) == 1 ]]
}

@test "points and channels are edited while the device stays online" {
  since=$(session_of boiler-1)
  connects=$(channel_status plc-1 counters.connects)
  jlctl modbus point edit count --interval 50 --decimals 1
  jlctl modbus point edit temp --scale 0.25 --dead-band 0.5 --changed-only
  has_value boiler-1 temp 4
  jlctl modbus point edit temp --address 0x20
  has_value boiler-1 temp 8
  jlctl modbus channel edit plc-1 --max-gap 20 --request-timeout 900
  jlctl modbus channel edit plc-1 --breaker-threshold 5
  has_status temp quality good
  [[ $(session_of boiler-1) == "$since" && $(channel_status plc-1 counters.connects) == "$connects" ]]
  jlctl modbus point edit temp --address 0x10 --scale 0.5 --unset dead-band --unset changed-only
  jlctl modbus point edit count --unset decimals
  has_value boiler-1 temp 8
  run --separate-stderr jlctl modbus point edit count --channel plc-2
  [[ $status -ne 0 ]]
}

@test "a disabled point is not read any more; its device lives on the others" {
  jlctl modbus point disable count --yes
  has_status count quality stopped
  [[ $(point_status count collectState) == stopped ]]
  before=$(requests plc 1 3 7)
  counts_on plc-1 cycles
  counts_on plc-1 cycles
  [[ $(requests plc 1 3 7) == "$before" && $(state_of boiler-1) == online ]]
  [[ $(jlctl modbus bindings --device boiler-1 -o json | jq -r '.data.items[] | select(.property == "count").quality') == stopped ]]
  jlctl modbus point enable count
  has_status count quality good
}

@test "a disabled channel closes its connection; points keep their own state" {
  jlctl modbus channel disable plc-1 --yes
  has_channel_status plc-1 state stopped
  until_true 20 has_connections plc 0
  jlctl wait device/boiler-1 --for status.state=offline --wait-timeout 20s
  [[ $(jlctl modbus point show count -o value=enabled) == true && $(point_status count quality) == stopped ]]
  run --separate-stderr jlctl modbus point read count
  assert_error 4 disabled
  run --separate-stderr jlctl modbus plan plc-1
  assert_error 4 disabled
  jlctl modbus channel enable plc-1
  jlctl wait device/boiler-1 --for status.state=online --wait-timeout 20s
}

@test "bindings are made, listed and taken off; what does not fit is refused" {
  jlctl modbus bindings --channel plc-1 -o json |
    jq -e '[.data.items[].property] == ["count", "pump", "target", "temp"] and all(.data.items[]; .channel == "plc-1")'
  jlctl modbus unbind boiler-1 pump
  [[ $(jlctl modbus bindings --point pump -o json | jq -c .data.items) == "[]" ]]
  run --separate-stderr jlctl modbus unbind boiler-1 pump
  assert_error 3 not_found
  jlctl modbus unbind boiler-1 pump --if-exists
  jlctl modbus bind boiler-1 pump pump
  jlctl modbus bindings --point pump -o json | jq -e '.data.items[0] | .device == "boiler-1" and .property == "pump"'
  run --separate-stderr jlctl modbus bind boiler-1 nothing pump
  [[ $status -eq 5 && $stderr == *nothing* ]]
  run --separate-stderr jlctl modbus bind boiler-1 pump nowhere
  [[ $status -eq 5 && $stderr == *nowhere* ]]
  run --separate-stderr jlctl modbus bind boiler-9 pump pump
  assert_error 3 not_found
  run --separate-stderr jlctl modbus bindings --point nowhere
  assert_error 3 not_found
}

@test "a property that leaves the thing model takes its binding along" {
  jlctl product show boiler -o json | jq '.data.spec.metadata.properties |= map(select(.id != "pump")) | .data | {kind: "product", id, enabled, spec}' >"$home/less.json"
  jlctl product show boiler -o json | jq '.data | {kind: "product", id, enabled, spec}' >"$home/all.json"
  jlctl apply -f "$home/less.json"
  [[ $(jlctl modbus bindings --device boiler-1 -o json | jq -c '[.data.items[].property]') == '["count","target","temp"]' ]]
  jlctl apply -f "$home/all.json"
  jlctl modbus bind boiler-1 pump pump
}

@test "an enabled point is not deleted; a disabled one leaves with its bindings, which --dry-run lists first" {
  run --separate-stderr jlctl modbus point delete pump --yes
  assert_error 4 enabled
  jlctl modbus point disable pump --yes
  run jlctl modbus point delete pump --dry-run -o json
  jq -e '.data.result == "planned" and .data.unbound == [{resource: "device/boiler-1", property: "pump", point: "pump"}]' <<<"$output"
  jlctl modbus bindings --point pump -o json | jq -e '.data.items | length == 1'
  jlctl modbus point delete pump --yes -o json | jq -e '.data.result == "deleted" and .data.unbound[0].property == "pump"'
  [[ $(jlctl modbus bindings --device boiler-1 -o json | jq -c '[.data.items[].property]') == '["count","target","temp"]' ]]
  [[ $(jlctl device show boiler-1 -o json | jq '.data.spec.bindings | length') == 3 && $(state_of boiler-1) == online ]]
  run --separate-stderr jlctl modbus point show pump
  assert_error 3 not_found
  jlctl modbus point add pump --channel plc-1 --address 8 --function Coils --access read-write --interval 200 --enabled
  jlctl modbus bind boiler-1 pump pump
}

@test "a channel is deleted with all its points and their bindings, at once" {
  jlctl modbus channel add plc-2 --host 127.0.0.1 --port "$port" --enabled
  jlctl modbus point add other-a --channel plc-2 --address 1 --unit 2 --interval 200 --enabled
  jlctl modbus point add other-b --channel plc-2 --address 2 --unit 2
  jlctl device add boiler-2 --product boiler --enabled
  jlctl modbus bind boiler-2 count other-a
  jlctl wait device/boiler-2 --for status.state=online --wait-timeout 20s
  run --separate-stderr jlctl modbus channel delete plc-2 --yes
  assert_error 4 enabled
  jlctl modbus channel disable plc-2 --yes
  run jlctl modbus channel delete plc-2 --dry-run -o json
  jq -e '.data | (.alsoDeleted | sort) == ["modbus-point/other-a", "modbus-point/other-b"] and .unbound[0].resource == "device/boiler-2"' <<<"$output"
  jlctl modbus point exists other-a
  jlctl modbus channel delete plc-2 --yes -o json |
    jq -e '.data | .result == "deleted" and (.alsoDeleted | length) == 2 and .unbound[0].resource == "device/boiler-2"'
  run ! jlctl modbus point exists other-a
  [[ $(jlctl device show boiler-2 -o json | jq '.data.spec.bindings // [] | length') == 0 ]]
  jlctl device disable boiler-2 --yes
  jlctl device delete boiler-2 --yes
}

@test "channels, points and bindings come through export, delete and apply unchanged" {
  jlctl export >"$home/all.yaml"
  jlctl apply -f "$home/all.yaml" --dry-run
  jlctl modbus channel disable plc-1 --yes
  jlctl modbus channel delete plc-1 --yes
  [[ $(jlctl modbus bindings -o json | jq '.data.items | length') == 0 ]]
  jlctl apply -f "$home/all.yaml"
  jlctl export >"$home/again.yaml"
  diff "$home/all.yaml" "$home/again.yaml"
  jlctl wait device/boiler-1 --for status.state=online --wait-timeout 20s
}

@test "points as CSV: export and import are the same, an error names its line, all or nothing" {
  jlctl modbus point export plc-1 -f "$home/points.csv"
  jlctl modbus point import plc-1 "$home/points.csv" --dry-run
  cat >"$home/more.csv" <<'EOF'
id,name,unitId,function,address,type,scaleFactor,access,interval,enabled
flow,Durchfluß,2,HoldingRegisters,40201,float32,,read,500,true
level,"Level, left",2,InputRegisters,300,int16,0.1,read,500,true
EOF
  run jlctl modbus point import plc-1 "$home/more.csv" --dry-run
  [[ $status -eq 20 && $output == *flow* ]]
  run ! jlctl modbus point exists flow
  jlctl modbus point import plc-1 "$home/more.csv"
  has_status level value 30
  [[ $(jlctl modbus point show level -o value=name) == "Level, left" ]]
  sed -e 's/40201/40202/' -e 's/300,int16/300,int17/' "$home/more.csv" >"$home/wrong.csv"
  run --separate-stderr jlctl modbus point import plc-1 "$home/wrong.csv"
  assert_error 5 invalid
  [[ $stderr == *wrong.csv:3* && $stderr == *int17* ]]
  [[ $(jlctl modbus point show flow -o value=spec.address) == 200 ]]
  jlctl modbus point export plc-1 | jlctl modbus point import plc-1 - --dry-run
  jlctl modbus point disable flow level --yes
  jlctl modbus point delete flow level --yes
}

@test "after kill -9 the daemon resumes with every channel, point and binding, and one connection" {
  jlctl modbus bindings -o json | jq -S .data >"$home/before"
  stop_daemon KILL
  start_daemon
  jlctl wait device/boiler-1 --for status.state=online --wait-timeout 30s
  has_status count quality good
  has_status pump quality good
  [[ $(jlctl modbus point list -q | sort | paste -sd ' ') == "count pump target temp" ]]
  jlctl modbus bindings -o json | jq -S .data | diff "$home/before" - | grep -v quality | grep '^[<>]' && return 1
  until_true 20 has_connections plc 1
  has_value boiler-1 temp 8
}
