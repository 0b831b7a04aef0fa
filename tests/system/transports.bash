# Loaded after helpers.bash by the tests of devices that do not speak MQTT.
# shellcheck disable=SC2154  # $home is set by helpers.bash

devices=() # processes that end with the test

# A free UDP port.
free_udp_port() {
  python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Makes a component with gateway and product "sensor-ID": open_door ID TYPE PROVIDER "port: N, ..."
open_door() {
  cat >"$home/door-$1.yaml" <<EOF
kind: network
id: $1
spec: {type: $2, configuration: {host: 127.0.0.1, $4}}
---
kind: protocol
id: official
spec: {type: builtin, configuration: {builtin: jetlinks-official}}
---
kind: gateway
id: gw-$1
spec: {provider: $3, channelId: $1, protocol: official}
---
kind: product
id: sensor-$1
enabled: true
spec:
  accessId: gw-$1
  metadata:
    properties:
      - {id: temp, name: Temperature, valueType: {type: double}, expands: {source: device, type: [read, report]}}
      - {id: target, name: Target, valueType: {type: double}, expands: {source: device, type: [read, write, report]}}
    functions:
      - {id: reboot, name: Reboot, inputs: [{id: delay, name: Delay, valueType: {type: int}}], output: {type: string}}
      - {id: broken, name: Always fails, inputs: [], output: {type: string}}
    events: [{id: overheat, name: Overheat}]
    tags: []
EOF
  jlctl apply -f "$home/door-$1.yaml"
}

# Adds a device of such a product: add_device ID DOOR KEY=VALUE...
add_device() {
  local id=$1 door=$2 flags=() pair
  shift 2
  for pair in "$@"; do
    printf %s "${pair#*=}" >"$home/secret-$id-${pair%%=*}"
    flags+=(--config-secret-file "${pair%%=*}=$home/secret-$id-${pair%%=*}")
  done
  jlctl device add "$id" --product "sensor-$door" --enabled "${flags[@]}"
}

# Runs a device in the background, its words in $home/words-NAME, until the test ends: run_device NAME COMMAND...
run_device() {
  local name=$1
  shift
  "$@" >"$home/words-$name" 2>&1 3>&- &
  devices+=($!)
}
end_devices() {
  local pid
  for pid in "${devices[@]}"; do kill "$pid" 2>/dev/null || true; done
}
# Waits until a device has said something: hears NAME WORDS
hears() { until_true 20 grep -qF -- "$2" "$home/words-$1" || { cat "$home/words-$1"; return 1; }; }

has_temperature() { [[ $(jlctl device state "$1" -o value=properties.temp.value 2>/dev/null) == "$2" ]]; }
# Waits for a device's report and looks at it in the history: reported DEVICE VALUE
reported() {
  until_true 20 has_temperature "$1" "$2"
  jlctl device messages "$1" --type REPORT_PROPERTY -o json |
    jq -e --argjson want "$2" '.data.items[0].message.properties.temp == $want'
}

# What every transport with a way down must do for a device that answers: obeys DEVICE
obeys() {
  jlctl device read "$1" temp -o json | jq -e '.data.properties.temp | type == "number"'
  [[ $(jlctl device write "$1" target=21.5 -o json | jq .data.properties.target) == 21.5 ]]
  [[ $(jlctl device invoke "$1" reboot delay=5 -o json | jq -r .data.output) == "rebooting in 5 s" ]]
  run --separate-stderr jlctl device invoke "$1" broken
  assert_error 10 device_error
  [[ $stderr == *"motor is stuck"* ]]
}
