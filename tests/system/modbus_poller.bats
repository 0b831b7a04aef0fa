#!/usr/bin/env bats
# What polling costs and who suffers from whom, counted at slaves of pymodbus (operations.md 2.5).
load helpers.bash
load modbus.bash

setup_file() {
  make_home
  port=$(free_port)
  start_slave plc "$port" --units 1,2 --refuse 0:2150:2 --refuse 0:2306:2
  export port
  start_daemon
}
teardown_file() {
  stop_slaves
  remove_home
}
teardown() { show_log; }

add_channel() { jlctl modbus channel add "$1" --host 127.0.0.1 --port "$port" --enabled "${@:2}"; }
# Channels do not share the slave's log of requests: one at a time.
drop_channel() {
  jlctl modbus channel disable "$1" --yes
  jlctl modbus channel delete "$1" --yes >/dev/null
}
count_of() { channel_status "$1" "counters.$2"; }
more_than() { [[ $(count_of "$1" "$2") -gt $3 ]]; }
# Waits until a counter has grown: grows CHANNEL COUNTER BY
grows() { until_true 30 more_than "$1" "$2" $(($(count_of "$1" "$2") + $3 - 1)); }

@test "300 registers side by side are three requests a second" {
  add_channel many
  add_points many 1000 1000 1299
  becomes_good many
  run --separate-stderr jlctl modbus plan many -o json
  jq -e '.data | .points == 300 and .requestsPerSecond == 3 and [.items[].count] == [120, 120, 60] and .items[0].interval == 1000' <<<"$output"
  # Requests are counted before the values of their answers.
  values=$(count_of many values)
  before=$(requests plc)
  grows many values 1200
  after=$(requests plc)
  cycles=$((($(count_of many values) - values) / 300))
  echo "$((after - before)) requests in $cycles cycles"
  [[ $((after - before)) -le $((3 * (cycles + 1))) && $cycles -ge 4 ]]
  right_values many
  drop_channel many
}

@test "the gap that may be read along, the largest block, noMerge and the area decide what shares a request" {
  add_channel gaps
  add_points gaps 500 100 100
  add_points gaps 500 109 109
  jlctl modbus plan gaps -o json | jq -e '[.data.items[] | [.start, .count]] == [[100, 10]]'
  jlctl modbus point edit gaps-109 --address 110
  jlctl modbus plan gaps -o json | jq -e '[.data.items[] | [.start, .count]] == [[100, 1], [110, 1]]'
  jlctl modbus channel edit gaps --max-gap 9
  jlctl modbus plan gaps -o json | jq -e '[.data.items[] | [.start, .count]] == [[100, 11]]'
  jlctl modbus channel edit gaps --max-block 10
  jlctl modbus plan gaps -o json | jq -e '.data.items | length == 2'
  jlctl modbus channel edit gaps --max-block 120
  jlctl modbus point edit gaps-109 --no-merge
  jlctl modbus plan gaps -o json | jq -e '.data.items | length == 2'
  jlctl modbus point edit gaps-109 --no-no-merge --function InputRegisters
  jlctl modbus plan gaps -o json | jq -e '[.data.items[].function] | sort == ["HoldingRegisters", "InputRegisters"]'
  jlctl modbus point edit gaps-109 --function HoldingRegisters --interval 1000
  jlctl modbus plan gaps -o json | jq -e '[.data.items[].interval] == [500, 1000]'
  jlctl modbus point edit gaps-109 --interval 500 --unit 2
  jlctl modbus plan gaps -o json | jq -e '[.data.items[].unit] == [1, 2]'
  jlctl modbus point edit gaps-109 --unit 1 --type float64
  jlctl modbus channel edit gaps --max-block 12
  # A value of four registers is never cut.
  jlctl modbus plan gaps -o json | jq -e '[.data.items[] | [.start, .count]] == [[100, 1], [110, 4]]'
  drop_channel gaps
}

@test "an address that the slave refuses spoils its own point only, and hardly costs more" {
  add_channel refused
  add_points refused 200 2100 2219
  has_status refused-2150 quality bad
  settled() { [[ $(channel_status refused good) == 119 && $(channel_status refused bad) == 1 ]]; }
  until_true 20 settled
  has_channel_status refused state partialError
  [[ $(point_status refused-2150 error) == *"illegal data address (2)"* && $(point_status refused-2150 collectState) == error ]]
  [[ $(point_status refused-2149 value) == 2149 && $(point_status refused-2151 value) == 2151 ]]
  jlctl modbus plan refused -o json |
    jq -e '.data.items | map(select(.bad)) as $bad | ($bad | length) == 1 and $bad[0].ids == ["refused-2150"] and length == 3'
  # Steady: two requests a cycle, and nobody asks for 2150 in the meantime.
  grows refused values 119
  bad=$(requests plc 1 3 2150)
  values=$(count_of refused values)
  before=$(requests plc)
  grows refused values 1190
  after=$(requests plc)
  cycles=$((($(count_of refused values) - values + 118) / 119))
  echo "$((after - before)) requests in $cycles cycles"
  [[ $((after - before)) -le $((2 * (cycles + 1))) && $(requests plc 1 3 2150) == "$bad" ]]
  right_values refused
  drop_channel refused
}

@test "what the slave refuses between two points parts them, and both are fine" {
  add_channel parted
  add_points parted 200 2300 2304
  add_points parted 200 2310 2314
  becomes_good parted
  jlctl modbus plan parted -o json | jq -e '[.data.items[] | [.start, .count, .bad]] == [[2300, 5, false], [2310, 5, false]]'
  [[ $(channel_status parted state) == running ]]
  drop_channel parted
}

@test "a refused point heals when the slave has it" {
  add_channel healing
  add_points healing 200 2148 2152
  has_status healing-2150 quality bad
  stop_slave plc
  start_slave plc "$port" --units 1,2 --refuse 0:2306:2
  whole() { jlctl modbus point read healing-2150 -q && becomes_good healing 5; }
  until_true 30 whole
  [[ $(point_status healing-2150 value) == 2150 ]]
  one_block() { jlctl modbus plan healing -o json | jq -e '[.data.items[] | [.start, .count]] == [[2148, 5]]'; }
  until_true 20 one_block
  drop_channel healing
}

@test "points without an interval cost nothing, nor do disabled ones" {
  add_channel idle
  add_points idle 0 3000 3009
  jlctl modbus point add idle-none --channel idle --address 3020
  jlctl modbus point add idle-off --channel idle --address 3030 --interval 50 --disabled
  add_channel busy
  add_points busy 50 3100 3100
  grows busy cycles 20
  [[ $(requests plc 1 3 30[0-3][0-9]) == 0 ]]
  [[ $(count_of idle requests) == 0 && $(point_status idle-none quality) == pending ]]
  jlctl modbus plan idle -o json | jq -e '.data.items == []'
  drop_channel idle
  drop_channel busy
}

@test "a unit that does not answer is asked ever more rarely, and the one beside it keeps its rate" {
  for transport in tcp rtu-over-tcp; do
    other=$(free_port)
    flags=()
    [[ $transport == tcp ]] || flags=(--rtu)
    start_slave "two-$transport" "$other" --units 1 "${flags[@]}"
    jlctl modbus channel add two --transport "$transport" --host 127.0.0.1 --port "$other" --request-timeout 300 --enabled
    add_points two 100 10 10
    add_points two 100 20 20 9
    has_status two-10 quality good
    has_status two-20 quality bad
    dead() { jlctl modbus channel show two -o json | jq -e '.data.status.units[] | select(.unit == 9) | .answers == false' >/dev/null; }
    until_true 20 dead
    start=$(date +%s%N)
    live=$(requests "two-$transport" 1)
    silent=$(requests "two-$transport" 9)
    grows two cycles 40
    elapsed=$((($(date +%s%N) - start) / 1000000))
    live=$(($(requests "two-$transport" 1) - live))
    silent=$(($(requests "two-$transport" 9) - silent))
    echo "$transport: $live requests of unit 1, $silent of unit 9 in $elapsed ms"
    # 40 cycles of 100 ms, those of unit 9 among them, with as much again for a slow machine; one that waits for unit 9 needs 300 ms for each.
    [[ $live -ge 34 && $elapsed -lt 8000 && $silent -le 6 ]]
    [[ $(point_status two-20 error) == *"unit 9 does not answer"* && $(point_status two-10 quality) == good ]]
    drop_channel two
    stop_slave "two-$transport"
  done
}

@test "a dead unit that comes back is read again, and a broken one on demand" {
  other=$(free_port)
  start_rogue lazy "$other"
  misbehave lazy '2 never' '* good'
  jlctl modbus channel add lazy --host 127.0.0.1 --port "$other" --request-timeout 100 --enabled
  add_points lazy 100 10 10
  add_points lazy 100 20 20 2
  has_status lazy-20 quality bad
  [[ $(point_status lazy-10 quality) == good ]]
  misbehave lazy '* good'
  has_status lazy-20 quality good
  [[ $(channel_status lazy counters.connects) == 1 ]]
  drop_channel lazy
  stop_slave lazy
}

@test "a slave that goes and comes back is read again over one connection, also when it hangs" {
  add_channel again --request-timeout 200
  add_points again 100 4000 4009
  becomes_good again
  stop_slave plc KILL
  has_channel_status again good 0
  start_slave plc "$port" --units 1,2
  becomes_good again 30
  [[ $(connections plc) == 1 ]]
  kill -STOP "$(<"$home/slave-plc")"
  has_status again-4000 quality bad
  failed() { [[ $(count_of again failures) -ge 2 ]]; }
  until_true 20 failed
  kill -CONT "$(<"$home/slave-plc")"
  becomes_good again 30
  until_true 20 has_connections plc 1
  right_values again
  drop_channel again
}

@test "changedOnly, dead band and maxSilence decide what is reported; the value is read all the same" {
  open_modbus
  add_channel reports
  add_points reports 50 5000 5000 1 changedOnly true
  jlctl modbus point add drift --channel reports --address 5001 --interval 50 --changed-only --dead-band 5
  jlctl modbus point add steady --channel reports --address 5002 --interval 50 --changed-only --max-silence 300
  jlctl device add boiler-1 --product boiler --enabled
  jlctl modbus bind boiler-1 count reports-5000
  jlctl modbus bind boiler-1 temp drift
  jlctl modbus bind boiler-1 target steady
  jlctl wait device/boiler-1 --for status.state=online --wait-timeout 20s
  grows reports cycles 20
  reports_of() {
    jlctl device messages boiler-1 --type REPORT_PROPERTY --limit 1000 -o json |
      jq "[.data.items[].message.properties | select(has(\"$1\"))] | length"
  }
  # One when it became known, and one when the device came online.
  [[ $(reports_of count) -le 2 && $(reports_of temp) -le 2 && $(reports_of target) -ge 3 ]]
  jlctl modbus write "tcp://127.0.0.1:$port" 5001 5005
  has_status drift value 5005
  grows reports cycles 5
  [[ $(reports_of temp) -le 2 ]]
  jlctl modbus write "tcp://127.0.0.1:$port" 5001 5010
  reported() { [[ $(jlctl device state boiler-1 -o value=properties.temp.value) == 5010 ]]; }
  until_true 20 reported
}
