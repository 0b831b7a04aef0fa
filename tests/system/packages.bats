#!/usr/bin/env bats
# Protocol packages end to end: those of examples/protocols with devices of theirs.
load helpers.bash
load transports.bash
load packages.bash

setup_file() {
  make_home
  start_daemon
  provision_package meter
  provision_package sensor
  provision_package modbus-rtu
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_devices
}

@test "the packages pass the test cases that they bring along, as folders and as archives; a case can fail" {
  for name in meter sensor modbus-rtu; do
    jlctl protocol test "$protocols/$name"
    jlctl protocol test "$home/$name.zip" -o json | jq -e '.data.failed == 0 and .data.passed > 15'
  done
  cp -r "$protocols/meter" "$home/other"
  sed -i 's|reader.u32() / 100|reader.u32() / 10|' "$home/other/lib/properties.js"
  run jlctl protocol test "$home/other"
  [[ $status -eq 10 && $output == *"properties.energy: expected 123.45, got 1234.5"* ]]
}

@test "a binary meter logs in; its reports and alarms are values, history and live messages" {
  attach_meter meter
  jlctl wait "device/$meter" --for status.state=online --wait-timeout 10s
  jlctl message tail --device "$meter" --type REPORT_PROPERTY --limit 1 -o jsonl >"$home/tail" 3>&- &
  tail_pid=$!
  heard() { tell meter "report 123.45 230.5 -250"; [[ -s $home/tail ]]; }
  until_true 20 heard
  wait "$tail_pid"
  jq -e '(.message // .).properties == {energy: 123.45, voltage: 230.5, power: -250}' "$home/tail"
  has_value "$meter" power -250
  jlctl device messages "$meter" --type REPORT_PROPERTY -o json | jq -e '.data.items[0].message.properties.voltage == 230.5'
  tell meter "alarm 1 258.5"
  alarmed() {
    jlctl device messages "$meter" --type EVENT -o json |
      jq -e '.data.items[0].message | .event == "alarm" and .data == {code: 1, reason: "overvoltage", voltage: 258.5}'
  }
  until_true 20 alarmed
}

@test "it answers reads, writes and functions; what it refuses is a failure of the device" {
  attach_meter meter
  [[ $(jlctl device read "$meter" energy interval -o json | jq -c .data.properties) == '{"energy":123.45,"interval":60}' ]]
  [[ $(jlctl device write "$meter" interval=300 -o json | jq .data.properties.interval) == 300 ]]
  [[ $(jlctl device invoke "$meter" switch on=false -o value=output) == open ]]
  hears meter "read energy interval"
  hears meter "write interval=300"
  hears meter "switch off"
  # Several at once: the numbers in the frames tell their answers apart.
  local pids=() pid
  for _ in {1..8}; do
    jlctl device read "$meter" interval -o json >>"$home/reads" 3>&- &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  [[ $(jq -s 'map(.data.properties.interval == 300) | all' "$home/reads") == true ]]
  [[ $(jq -rs 'map(.data.messageId) | unique | length' "$home/reads") == 8 ]]
  run --separate-stderr jlctl device invoke "$meter" switch on=perhaps
  [[ $status -ne 0 ]]
}

@test "a wrong password, an unknown meter and a report before the login are refused and closed" {
  for stranger in "$meter guess" "202600000099 s3cret"; do
    # shellcheck disable=SC2086  # two words
    attach stranger "$protocols/meter.py" "$meter_port" $stranger
    hears stranger "login 1"
    hears stranger closed
  done
  xxd -r -p <<<"$(meter_frame "report('$meter')")" | timeout 10 nc -w 8 127.0.0.1 "$meter_port" | wc -c | grep -qx 0
  [[ $(jlctl device show "$meter" -o value=status.state) == offline ]]
  jlctl log system --logger 'codec.*' -o json | jq -e '[.data.items[].message] | any(contains("login of 202600000017 is refused"))'
}

@test "a frame that cannot be decoded costs itself only, and is counted" {
  attach_meter meter
  since=$(session_of "$meter")
  errors=$(status_of meter counters.errors)
  calls=$(status_of meter counters.calls)
  frame=$(meter_frame "report('$meter')")
  tell meter "send ${frame:0:20}ff${frame:22}"
  tell meter "send $(meter_frame "frame(0x7f, '$meter')")"
  tell meter "report 7 7 7"
  has_value "$meter" energy 7
  [[ $(status_of meter counters.errors) == $((errors + 2)) && $(status_of meter counters.calls) == $((calls + 3)) ]]
  [[ $(session_of "$meter") == "$since" ]]
  [[ $(jlctl device read "$meter" energy -o json | jq .data.properties.energy) == 7 ]]
}

@test "a JSON sensor over MQTT: several readings in a message, events, commands" {
  attach sensor "$protocols/sensor.py" "$sensor_port" sensor-1 s3cret
  hears sensor connected
  tell sensor 'up {"readings": [{"at": 1700000000000, "temperature": 20.5}, {"at": 1700000060000, "temperature": 20.75, "humidity": 40}]}'
  has_value sensor-1 temperature 20.75
  jlctl device messages sensor-1 --type REPORT_PROPERTY -o json |
    jq -e '[.data.items[].message | [.timestamp, .properties.temperature]] == [[1700000060000, 20.75], [1700000000000, 20.5]]'
  tell sensor 'event hot {"temperature": 61}'
  hot() { jlctl device messages sensor-1 --type EVENT -o json | jq -e '.data.items[0].message.data.temperature == 61'; }
  until_true 20 hot
  [[ $(jlctl device read sensor-1 temperature -o json | jq .data.properties.temperature) == 21.5 ]]
  [[ $(jlctl device write sensor-1 interval=30 -o json | jq .data.properties.interval) == 30 ]]
  [[ $(jlctl device invoke sensor-1 blink times=3 -o value=output) == "blinked 3 times" ]]
  run --separate-stderr jlctl device invoke sensor-1 blink times=11
  assert_error 10 device_error
  [[ $stderr == *"the lamp is tired"* ]]
}

@test "a wrong token and another sensor's topic are refused" {
  attach guesser "$protocols/sensor.py" "$sensor_port" sensor-1 guess
  hears guesser refused
  attach sensor "$protocols/sensor.py" "$sensor_port" sensor-1 s3cret
  hears sensor connected
  end_devices
  user="sensor-1;$(date +%s)"
  password=$(printf '%s;s3cret' "$user" | sha256sum | cut -d ' ' -f 1)
  pub() { mosquitto_pub -p "$sensor_port" -i sensor-1 -u "$user" -P "$password" -V 5 -q 1 -t "$1" -m '{"readings":[{"humidity":99}]}'; }
  run pub /sensor/sensor-2/up
  pub /sensor/sensor-1/up
  has_value sensor-1 humidity 99
  run ! jlctl device show sensor-2
}

@test "Modbus RTU behind a DTU: replies in pieces, writes of one and of several registers, exceptions" {
  attach dtu "$protocols/modbus_dtu.py" "$modbus_rtu_port" dtu-1 s3cret --split
  jlctl wait device/dtu-1 --for status.state=online --wait-timeout 10s
  [[ $(jlctl device read dtu-1 temperature humidity energy -o json | jq -c .data.properties) == \
    '{"temperature":-12.3,"humidity":45.5,"energy":1000}' ]]
  hears dtu "read 0 4"
  jlctl device write dtu-1 setpoint=21.5 quota=70000 -o json | jq -e '.data.properties == {setpoint: 21.5, quota: 70000}'
  hears dtu "write 16 215"
  hears dtu "write 17 1 4464"
  run --separate-stderr jlctl device write dtu-1 setpoint=35
  assert_error 10 device_error
  [[ $stderr == *MODBUS_3*"illegal data value"* ]]
  [[ $(jlctl device read dtu-1 setpoint -o json | jq .data.properties.setpoint) == 21.5 ]]
}

@test "a device that does not answer keeps the line for a while; a wrong registration is closed" {
  attach dtu "$protocols/modbus_dtu.py" "$modbus_rtu_port" dtu-1 s3cret --silent
  jlctl wait device/dtu-1 --for status.state=online --wait-timeout 10s
  run --separate-stderr jlctl device read dtu-1 temperature --reply-timeout 300ms
  [[ $status -eq 8 ]]
  run --separate-stderr jlctl device read dtu-1 temperature
  assert_error 10 device_error
  [[ $stderr == *BUSY* ]]
  attach stranger "$protocols/modbus_dtu.py" "$modbus_rtu_port" dtu-1 guess
  hears stranger closed
  [[ $(jlctl device show dtu-1 -o value=status.state) == online ]]
}

@test "a trace shows bytes up, messages, bytes down and what went wrong" {
  attach_meter meter
  jlctl protocol trace "$meter" -o jsonl >"$home/trace" 3>&- &
  devices+=($!)
  traced() { tell meter "report 8 8 8"; grep -q '"event":"up"' "$home/trace"; }
  until_true 20 traced
  jlctl device read "$meter" energy
  frame=$(meter_frame "report('$meter')")
  tell meter "send ${frame:0:20}ff${frame:22}"
  failed() { jq -es 'any(.[]; .error // "" | test("checksum is wrong"))' "$home/trace"; }
  until_true 10 failed
  jq -es 'any(.[]; .event == "up" and (.hex | startswith("68001402")) and .messages[0].properties.energy == 8)' "$home/trace"
  jq -es 'any(.[]; .event == "down" and (.hex | startswith("68000e04")))' "$home/trace"
  jq -es 'any(.[]; .event == "up" and .messages[0].messageType == "READ_PROPERTY_REPLY")' "$home/trace"
}

@test "bytes and messages are tried without a device: 0 when it works, 5 when it does not" {
  frame=$(meter_frame "report('$meter')")
  jlctl protocol decode meter --device "$meter" --hex "$frame" -o json | jq -e '.data.messages[0].messageType == "REPORT_PROPERTY"'
  run jlctl protocol decode meter --device "$meter" --hex "${frame:0:20}ff${frame:22}"
  [[ $status -eq 5 && $output == *"meter/lib/frame.js:"*"the checksum is wrong"* ]]
  jlctl protocol decode sensor --topic /sensor/sensor-1/up --text '{"readings":[{"temperature":1}]}' -o json |
    jq -e '.data.device == "sensor-1" and .data.messages[0].properties.temperature == 1'
  echo '{"messageType":"READ_PROPERTY","messageId":"1","properties":["energy"]}' >"$home/read.json"
  jlctl protocol encode meter --device "$meter" --message "$home/read.json" -o json |
    jq -e '.data.sent[0].hex | startswith("68000e04")'
  run jlctl protocol encode meter --device "$meter" --message - <<<'{"messageType":"READ_PROPERTY","properties":["speed"]}'
  [[ $status -eq 5 && $output == *'no property "speed"'* ]]
  echo '{"id":"dtu-7","productId":"thermostat","config":{"unit":"7"}}' >"$home/dtu-7.json"
  jlctl protocol encode modbus-rtu --device-file "$home/dtu-7.json" --message - -o json \
    <<<'{"messageType":"READ_PROPERTY","properties":["temperature"]}' | jq -e '.data.sent[0].hex | startswith("070300000001")'
}

@test "another version of an archive takes over while the device stays connected; a broken one is refused" {
  attach_meter meter
  since=$(session_of "$meter")
  cp -r "$protocols/meter" "$home/v2"
  sed -i 's|reader.i32()|reader.i32() / 1000|' "$home/v2/lib/properties.js"
  sed -i 's|"version": "1.0.0"|"version": "2.0.0"|' "$home/v2/protocol.json"
  jlctl protocol pack "$home/v2" -f "$home/v2.zip"
  jlctl protocol edit meter --file "$home/v2.zip"
  [[ $(status_of meter version) == 2.0.0 ]]
  tell meter "report 9 9 1500"
  has_value "$meter" power 1.5
  [[ $(session_of "$meter") == "$since" ]]
  # What the session remembers outlives the change as well.
  [[ $(jlctl device read "$meter" energy -o json | jq .data.properties.energy) == 9 ]]
  echo 'export const broken = ;' >>"$home/v2/lib/frame.js"
  jlctl protocol pack "$home/v2" -f "$home/v3.zip"
  run --separate-stderr jlctl protocol edit meter --file "$home/v3.zip"
  assert_error 5 invalid
  [[ $stderr == *lib/frame.js:26:23*SyntaxError* ]]
  [[ $(status_of meter version) == 2.0.0 && $(session_of "$meter") == "$since" ]]
  jlctl protocol edit meter --file "$home/meter.zip"
}

@test "a protocol in use is neither disabled nor deleted, and the gateway is named" {
  run --separate-stderr jlctl protocol disable meter --yes
  assert_error 4 in_use
  [[ $stderr == *meter-gateway* ]]
  run --separate-stderr jlctl protocol delete meter --yes
  [[ $status -eq 4 ]]
  [[ $(status_of meter state) == running ]]
}

@test "packages are there after a restart and after kill -9; export and apply change nothing" {
  for signal in TERM KILL; do
    stop_daemon "$signal"
    start_daemon
    [[ $(status_of meter state) == running && $(status_of sensor state) == running ]]
    attach_meter "after-$signal"
    tell "after-$signal" "report 1 1 $RANDOM"
    [[ $(jlctl device read "$meter" energy -o json | jq .data.properties.energy) == 1 ]]
    end_devices
  done
  jlctl export --with-secrets -f "$home/all.yaml"
  run jlctl apply -f "$home/all.yaml" -o value=result
  assert_success
  [[ $(sort -u <<<"$output") == unchanged ]]
}

@test "a folder that is edited takes effect while the device stays connected; a mistake keeps what works" {
  port=$(free_port)
  cp -r "$protocols/meter" "$home/local"
  cat >"$home/local.yaml" <<END
kind: network
id: local-tcp
spec: {type: TCP_SERVER, configuration: {port: $port, parserType: LENGTH_FIELD, parserConfiguration: {offset: 1, length: 2}}}
---
kind: protocol
id: local
spec: {type: local, configuration: {location: $home/local}}
---
kind: gateway
id: local-gateway
spec: {provider: tcp-server-gateway, channelId: local-tcp, protocol: local}
---
kind: product
id: local
enabled: true
spec: {accessId: local-gateway}
---
kind: device
id: "202600000018"
enabled: true
spec: {productId: local, configuration: {password: s3cret}}
END
  jlctl apply -f "$home/local.yaml"
  attach local "$protocols/meter.py" "$port" 202600000018 s3cret
  hears local "login 0"
  tell local "report 1 230 2000"
  has_value 202600000018 power 2000
  since=$(session_of 202600000018)

  loaded=$(status_of local loadedAt)
  sed -i 's|reader.i32()|reader.i32() / 1000|' "$home/local/lib/properties.js"
  until_true 20 status_differs local loadedAt "$loaded"
  tell local "report 2 230 3000"
  has_value 202600000018 power 3
  [[ $(session_of 202600000018) == "$since" ]]

  cp "$home/local/main.js" "$home/main.js"
  echo 'export const broken = ;' >>"$home/local/main.js"
  until_true 20 status_differs local reason ""
  [[ $(status_of local reason) == *main.js:*SyntaxError* ]]
  tell local "report 3 230 4000"
  has_value 202600000018 power 4
  [[ $(session_of 202600000018) == "$since" ]]

  # As editors do it: another file takes the name.
  mv "$home/main.js" "$home/local/main.js"
  repaired() { [[ -z $(status_of local reason) ]]; }
  until_true 20 repaired
  tell local "report 4 230 5000"
  has_value 202600000018 power 5
  [[ $(session_of 202600000018) == "$since" ]]
}

@test "no secret of a device has reached a log" {
  run ! grep -rq s3cret "$daemon_log"
  run jlctl log system -o json --limit 1000
  [[ $output != *s3cret* ]]
}
