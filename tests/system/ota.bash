# Loaded after helpers.bash by the tests of remote upgrade: what it takes to upgrade devices, and devices to talk through.
# shellcheck disable=SC2154,SC2034  # $home and $JL_SOURCE are set by helpers.bash; the tests use $body and $status_code

# Makes an MQTT listener on $mqtt_port with the enabled product "sensor", an HTTP component on $http_port, and the ota
# server "main" that serves downloads through it.
open_ota() {
  mqtt_port=$(free_port)
  http_port=$(free_port)
  export mqtt_port http_port
  jlctl apply -f - <<EOF
kind: network
id: mqtt-1
spec: {type: MQTT_SERVER, configuration: {host: 127.0.0.1, port: $mqtt_port}}
---
kind: network
id: ota-http
spec: {type: HTTP_SERVER, configuration: {host: 127.0.0.1, port: $http_port}}
---
kind: protocol
id: official
spec: {type: builtin, configuration: {builtin: jetlinks-official}}
---
kind: gateway
id: gw-1
spec: {provider: mqtt-server-gateway, channelId: mqtt-1, protocol: official}
---
kind: product
id: sensor
enabled: true
spec: $(product_spec gw-1)
---
kind: ota-server
id: main
enabled: true
spec: {networkId: ota-http, publicUrl: "http://127.0.0.1:$http_port"}
EOF
}
# The spec of a product with one property: product_spec GATEWAY [", further: members"]
product_spec() {
  echo "{accessId: $1${2:-}, metadata: {properties: [{id: temp, name: Temperature, valueType: {type: double}," \
    "expands: {source: device, type: [read, report]}}]}}"
}

# Adds devices of a product, enabled; the key of D is "key-D": add_devices PRODUCT DEVICE...
add_devices() {
  local device
  for device in "${@:2}"; do
    printf -- '---\n{"kind": "device", "id": "%s", "enabled": true, "spec": {"productId": "%s", "configuration": {"secureId": "%s", "secureKey": "key-%s"}}}\n' \
      "$device" "$1" "$device" "$device"
  done | jlctl apply -f - >/dev/null
}

sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }
# Adds a firmware of product sensor, its image of random bytes in $home/ID.bin: add_firmware ID VERSION ORDER [SIZE [FLAGS...]]
add_firmware() {
  head -c "${4:-50000}" /dev/urandom >"$home/$1.bin"
  jlctl ota firmware add "$1" --product sensor --version "$2" --order "$3" --image "$home/$1.bin" \
    --sign "$(sha256_of "$home/$1.bin")" "${@:5}"
}

# Calls the control socket: call TARGET [curl arguments]; $status_code and $body are the answer.
call() {
  status_code=$(curl -sS -m 60 --unix-socket "$JLCTL_SOCKET" -o "$home/answer" -w '%{http_code}' "${@:2}" "http://jlinkd$1")
  body=$(<"$home/answer")
}
# One number or word of a task's status: task_status TASK FIELD
task_status() { curl -sS -m 60 --unix-socket "$JLCTL_SOCKET" "http://jlinkd/v1/ota-tasks/$1" | jq -r ".status.$2"; }
# A device's record in a task as JSON: record TASK DEVICE
record() {
  curl -sS -m 60 --unix-socket "$JLCTL_SOCKET" "http://jlinkd/v1/ota-tasks/$1/devices?device=$2&history=true" | jq -c '.items[0]'
}
record_is() { record "$1" "$2" | jq -e "$3" >/dev/null; }
# Waits until a jq condition holds of a record: has_record TASK DEVICE CONDITION
has_record() { until_true 30 record_is "$@" || { record "$1" "$2"; return 1; }; }

# Starts devices that talk and listen until the test ends: start_devices PRODUCT DEVICE...
start_devices() {
  local device
  for device in "${@:2}"; do
    mkfifo "$home/say-$device"
    # Opened for both, so that neither end waits for the other and none sees an end.
    "$JL_SOURCE/tests/system/ota_client.py" "$mqtt_port" "$1" "$device" <>"$home/say-$device" >"$home/words-$device" 2>&1 3>&- &
    echo $! >"$home/client-$device"
  done
  for device in "${@:2}"; do hears "$device" connected; done
}
# Ends one as a crash would, so that it may be started again; its words are gone: stop_device DEVICE
stop_device() {
  local pid
  pid=$(<"$home/client-$1")
  kill -KILL "$pid" 2>/dev/null || true
  until_true 20 not_running "$pid"
  rm -f "$home/client-$1" "$home/say-$1" "$home/words-$1"
}
# For teardown.
stop_devices() {
  local file
  for file in "$home"/client-*; do
    [[ -f $file ]] && stop_device "${file##*/client-}"
  done
  return 0
}
count_words() { grep -cE "$2" "$home/words-$1" || true; }
hears() { until_true 30 grep -qE -- "$2" "$home/words-$1" || { cat "$home/words-$1"; return 1; }; }
has_sent() { [[ $(count_words "$1" '^sent ') -ge $2 ]]; }

# Has a device publish, and waits until the daemon has acknowledged it: tell DEVICE SUFFIX PAYLOAD
tell() {
  printf %s "$3" >"$home/payload-$1"
  tell_file "$1" "$2" "$home/payload-$1"
}
# The same with a file of any bytes: tell_file DEVICE SUFFIX FILE
tell_file() {
  local count
  count=$(count_words "$1" '^sent ')
  echo "$2 $3" >"$home/say-$1"
  until_true 30 has_sent "$1" $((count + 1))
}
# The newest message that a device got with a suffix, as JSON, after waiting for so many: heard DEVICE SUFFIX [HOW-MANY]
heard() {
  until_true 30 has_heard "$1" "$2" "${3:-1}" || { cat "$home/words-$1"; return 1; }
  grep "^got $2 " "$home/words-$1" | tail -n 1 | cut -d ' ' -f 3-
}
has_heard() { [[ $(count_words "$1" "^got $2 ") -ge $3 ]]; }

# Waits until all that a device has said before is dealt with: its messages are taken one after the other.
settled() {
  mark=$((mark + 1))
  tell "$1" properties/report "{\"properties\":{\"temp\":$mark}}"
  until_true 30 has_mark "$1"
}
has_mark() { [[ $(jlctl device state "$1" -o value=properties.temp.value 2>/dev/null) == "$mark" ]]; }
mark=0
