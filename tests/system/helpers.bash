# Loaded by every system test: a private daemon per file, with its own socket, state, ports and log.
# The programs under test are in $JL_BIN; `jlctl` reaches the daemon through JLCTL_SOCKET.
bats_require_minimum_version 1.8.0

JL_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
JL_BIN=${JL_BIN:-$JL_SOURCE/build/release/bin}
export JL_SOURCE JL_BIN
export PATH="$JL_BIN:$PATH" LC_ALL=C.UTF-8 NO_COLOR=1

# Makes $home, with room for a daemon. Other users may pass through it to the socket.
make_home() {
  home=$(mktemp -d "${TMPDIR:-/tmp}/jlinkd-test.XXXXXX")
  chmod 0711 "$home"
  export home
  export JLCTL_SOCKET=$home/control.sock XDG_CONFIG_HOME=$home/xdg
  unset JLCTL_OUTPUT JLCTL_PAGER PAGER SUDO_USER SSH_CONNECTION CREDENTIALS_DIRECTORY
  daemon_log=$home/jlinkd.log
  export daemon_log
}

# Writes $home/jlinkd.yaml; further YAML comes on standard input.
write_config() {
  {
    printf 'stateDir: %s\n' "$home/state"
    printf 'control: {socket: %s, group: "%s"}\n' "$JLCTL_SOCKET" "${control_group:-$(id -g)}"
    printf 'node: {id: test-node}\n'
    cat
  } >"$home/jlinkd.yaml"
}

# Starts the daemon and waits until it is ready.
start_daemon() {
  [[ -f $home/jlinkd.yaml ]] || write_config </dev/null
  "$JL_BIN/jlinkd" --config "$home/jlinkd.yaml" >>"$daemon_log" 2>&1 3>&- &
  echo $! >"$home/pid"
  jlctl daemon wait --wait-timeout 30s || { show_log; return 1; }
}

daemon_pid() { cat "$home/pid"; }

# Stops the daemon with a signal (default TERM) and waits for its end; $exit_code is how it left.
stop_daemon() {
  local pid
  pid=$(daemon_pid)
  kill "-${1:-TERM}" "$pid" 2>/dev/null || true
  export exit_code=0
  wait "$pid" 2>/dev/null || exit_code=$?
  until_true 30 not_running "$pid"
  rm -f "$home/pid"
}

not_running() { ! kill -0 "$1" 2>/dev/null; }

# For teardown_file: ends what is left and removes $home.
remove_home() {
  if [[ -f $home/pid ]]; then kill -KILL "$(daemon_pid)" 2>/dev/null || true; fi
  rm -rf "$home"
}

# For teardown: what the daemon said, when the test failed.
show_log() {
  [[ -n ${BATS_TEST_COMPLETED:-} ]] || { echo "--- $daemon_log"; tail -n 60 "$daemon_log" 2>/dev/null; } || true
}

# A port that nobody listens on right now.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Tries a command until it succeeds, at most that many seconds: until_true SECONDS COMMAND...
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || { echo "still false after its time: $*"; return 1; }
    read -r -t 0.05 <> <(:) || true
  done
}

# Sets $mqtt_user and $mqtt_password as the official protocol wants them (md5 mode): credentials SECURE_ID SECURE_KEY
credentials() {
  mqtt_user="$1|$(date +%s%3N)"
  mqtt_password=$(printf '%s|%s' "$mqtt_user" "$2" | md5sum | cut -d ' ' -f 1)
}

# Publishes one message as a device: publish DEVICE SUFFIX PAYLOAD [mosquitto_pub arguments]
publish() {
  local device=$1 suffix=$2 payload=$3
  shift 3
  credentials "$device" "key-$device"
  mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i "$device" -u "$mqtt_user" -P "$mqtt_password" -q 1 \
    -t "/sensor/$device/$suffix" -m "$payload" "$@"
}

# Makes an MQTT listener on $mqtt_port with gateway, product "sensor" and the named devices, key of D = "key-D".
provision() {
  mqtt_port=$(free_port)
  export mqtt_port
  {
    cat <<EOF
kind: network
id: mqtt-1
spec: {type: MQTT_SERVER, configuration: {host: 127.0.0.1, port: $mqtt_port}}
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
spec:
  accessId: gw-1
  metadata:
    properties:
      - {id: temp, name: Temperature, valueType: {type: double, unit: celsiusDegrees}, expands: {source: device, type: [read, report]}}
      - {id: target, name: Target, valueType: {type: double}, expands: {source: device, type: [read, write, report]}}
    functions:
      - {id: reboot, name: Reboot, inputs: [{id: delay, name: Delay, valueType: {type: int}}], output: {type: string}}
      - {id: broken, name: Always fails, inputs: [], output: {type: string}}
      - {id: silent, name: Never answers, inputs: [], output: {type: string}}
    events:
      - {id: overheat, name: Overheat, valueType: {type: object, properties: [{id: level, name: Level, valueType: {type: int}}]}}
    tags: []
EOF
    local device
    for device in "$@"; do
      printf -- '---\nkind: device\nid: %s\nenabled: true\nspec: {productId: sensor, configuration: {secureId: %s, secureKey: key-%s}}\n' \
        "$device" "$device" "$device"
    done
  } >"$home/fleet.yaml"
  jlctl apply -f "$home/fleet.yaml"
}

# Runs a command as an unprivileged user, which needs root. The checkout may be in a folder that is closed to that user:
# what it needs stands in $home (share_with_nobody).
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups env XDG_CONFIG_HOME="$home/none" "$@"; }

# Puts jlctl and a manifest where everyone may read them: $home/shared/jlctl, $home/shared/quickstart.yaml
share_with_nobody() {
  install -d -m 0755 "$home/shared"
  install -m 0755 "$JL_BIN/jlctl" "$home/shared/jlctl"
  install -m 0644 "$JL_SOURCE/examples/quickstart.yaml" "$home/shared/quickstart.yaml"
}

# What an error must look like: its exit code, nothing on standard output, its word on standard error.
# Use after `run --separate-stderr`: assert_error EXIT_CODE WORD
assert_error() {
  # shellcheck disable=SC2154  # set by run
  if [[ $status -ne $1 || -n $output || $stderr != *"error[$2]"* ]]; then
    echo "wanted exit $1 and error[$2]; got exit $status"
    echo "stdout: $output"
    echo "stderr: $stderr"
    return 1
  fi
}

assert_success() {
  if [[ $status -ne 0 ]]; then
    echo "exit $status"
    echo "stdout: $output"
    echo "stderr: ${stderr:-}"
    return 1
  fi
}
