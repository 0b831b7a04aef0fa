#!/usr/bin/env bats
# The daemon as a process: command line, configuration, signals, exit codes, its files.
load helpers.bash

setup() { make_home; }
teardown() {
  show_log
  if [[ -n ${listener:-} ]]; then kill "$listener" 2>/dev/null || true; fi
  remove_home
}

@test "--version prints the version and leaves with 0" {
  run --separate-stderr jlinkd --version
  assert_success
  [[ $output =~ ^jlinkd\ [0-9]+\.[0-9]+\.[0-9]+ ]]
}

@test "an unknown flag is a usage error (64) and prints nothing on standard output" {
  run --separate-stderr jlinkd --no-such-flag
  [[ $status -eq 64 && -z $output && $stderr == *no-such-flag* ]]
}

@test "--check-config accepts the default configuration of the package" {
  run jlinkd --config "$JL_SOURCE/daemon/packaging/jlinkd.yaml" --check-config
  assert_success
}

@test "--check-config starts nothing" {
  write_config </dev/null
  run jlinkd --config "$home/jlinkd.yaml" --check-config
  assert_success
  [[ ! -e $home/state && ! -e $JLCTL_SOCKET ]]
}

@test "--check-config reports every problem with its line and leaves with 78" {
  printf 'threads: -1\nlog: {levle: info}\nmessage: {durability: never}\n' >"$home/jlinkd.yaml"
  run --separate-stderr jlinkd --config "$home/jlinkd.yaml" --check-config
  [[ $status -eq 78 ]]
  [[ $stderr == *threads* && $stderr == *levle* && $stderr == *durability* && $stderr == *jlinkd.yaml:1* ]]
}

@test "a missing configuration file is a configuration error (78)" {
  run --separate-stderr jlinkd --config "$home/missing.yaml"
  [[ $status -eq 78 && -z $output && $stderr == *missing.yaml* ]]
}

@test "a configuration that is not YAML is refused with its line (78)" {
  printf 'control: {socket: [\n' >"$home/jlinkd.yaml"
  run --separate-stderr jlinkd --config "$home/jlinkd.yaml"
  [[ $status -eq 78 && $stderr == *jlinkd.yaml* ]]
}

@test "the state folder is 0700 and the control socket 0660" {
  start_daemon
  [[ $(stat -c %a "$home/state") == 700 ]]
  [[ $(stat -c %a "$JLCTL_SOCKET") == 660 ]]
  [[ -z $(find "$home/state" -perm /077 -type f -name '*key*') ]]
}

@test "SIGTERM stops it with 0, removes the socket, and a restart finds everything" {
  start_daemon
  provision dev-1
  before=$(jlctl export)
  stop_daemon TERM
  [[ $exit_code -eq 0 && ! -e $JLCTL_SOCKET ]]
  start_daemon
  [[ $(jlctl export) == "$before" ]]
}

@test "SIGINT stops it with 0" {
  start_daemon
  stop_daemon INT
  [[ $exit_code -eq 0 ]]
}

@test "SIGTERM with a connected device ends within the drain time" {
  start_daemon
  provision dev-1
  "$JL_SOURCE/tests/system/device.py" "$mqtt_port" dev-1 >"$home/device.out" 2>&1 3>&- &
  device=$!
  jlctl wait device/dev-1 --for status.state=online --wait-timeout 10s
  started=$SECONDS
  stop_daemon TERM
  [[ $exit_code -eq 0 && $((SECONDS - started)) -le 10 ]]
  until_true 30 not_running "$device"
  grep -q closed "$home/device.out"
}

@test "a stale socket file is no obstacle" {
  start_daemon
  stop_daemon KILL
  [[ -e $JLCTL_SOCKET ]]
  start_daemon
  jlctl status
}

@test "a second daemon on the same state folder fails clearly (69) and leaves the first alone" {
  start_daemon
  sed "s|control.sock|other.sock|" "$home/jlinkd.yaml" >"$home/second.yaml"
  run --separate-stderr timeout 30 jlinkd --config "$home/second.yaml"
  [[ $status -eq 69 && $stderr == *"$home/state"* ]]
  jlctl status
}

@test "a second daemon on the same control socket fails (69) and leaves the first alone" {
  start_daemon
  sed "s|$home/state|$home/state2|" "$home/jlinkd.yaml" >"$home/second.yaml"
  run --separate-stderr timeout 30 jlinkd --config "$home/second.yaml"
  [[ $status -eq 69 && $stderr == *control.sock* ]]
  jlctl status
}

@test "a state folder that cannot be made is told with its path (77 or 74)" {
  touch "$home/file"
  printf 'stateDir: %s\ncontrol: {socket: %s, group: "%s"}\n' "$home/file/state" "$JLCTL_SOCKET" "$(id -g)" >"$home/jlinkd.yaml"
  run --separate-stderr timeout 30 jlinkd --config "$home/jlinkd.yaml"
  [[ $status -eq 74 || $status -eq 77 ]]
  [[ $stderr == *"$home/file"* ]]
}

@test "SIGHUP takes over the log level" {
  write_config <<<'log: {level: warn}'
  start_daemon
  run -1 grep -q INFO "$daemon_log"
  write_config <<<'log: {level: info}'
  kill -HUP "$(daemon_pid)"
  until_true 30 grep -q INFO "$daemon_log"
}

@test "SIGHUP with a broken file keeps what was in force and says why" {
  start_daemon
  echo 'log: {level: loud}' >"$home/jlinkd.yaml"
  kill -HUP "$(daemon_pid)"
  until_true 30 grep -q "not reloaded" "$daemon_log"
  jlctl status
}

@test "it tells the service manager READY and STOPPING" {
  python3 - "$home/notify" >"$home/notified" 3>&- <<'EOF' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(30)
while True:
    text = s.recv(4096).decode()
    print(text, flush=True)
    if "STOPPING=1" in text:
        break
EOF
  until_true 30 test -S "$home/notify"
  NOTIFY_SOCKET=$home/notify WATCHDOG_USEC=1000000 start_daemon
  until_true 30 grep -q READY=1 "$home/notified"
  until_true 30 grep -q WATCHDOG=1 "$home/notified"
  stop_daemon TERM
  until_true 30 grep -q STOPPING=1 "$home/notified"
}

@test "a taken port fails that component, and everything else serves on" {
  port=$(free_port)
  start_daemon
  jlctl network add busy --type mqtt-server --host 127.0.0.1 --port "$port"
  jlctl network add other --type mqtt-server --host 127.0.0.1 --port "$(free_port)"
  stop_daemon TERM
  nc -lk 127.0.0.1 "$port" >/dev/null 3>&- &
  listener=$!
  until_true 30 nc -z 127.0.0.1 "$port"
  start_daemon
  [[ $(jlctl network show busy -o value=status.state) == failed ]]
  [[ $(jlctl network show busy -o value=status.reason) == *"$port"* ]]
  [[ $(jlctl network show other -o value=status.state) == running ]]
  jlctl status -o json | jq -e '.data.failed[] | select(.kind == "network" and .id == "busy")'
  kill "$listener"
  jlctl wait network/busy --for status.state=running --wait-timeout 90s
}

@test "adding a component whose port is taken changes nothing (4)" {
  port=$(free_port)
  start_daemon
  nc -lk 127.0.0.1 "$port" >/dev/null 3>&- &
  listener=$!
  until_true 30 nc -z 127.0.0.1 "$port"
  run --separate-stderr jlctl network add busy --type mqtt-server --host 127.0.0.1 --port "$port"
  kill "$listener"
  assert_error 4 address_in_use
  run jlctl network exists busy
  [[ $status -eq 3 ]]
}

@test "two components of the daemon cannot want one port" {
  port=$(free_port)
  start_daemon
  jlctl network add one --type mqtt-server --host 127.0.0.1 --port "$port"
  run --separate-stderr jlctl network add two --type mqtt-server --host 127.0.0.1 --port "$port"
  [[ $status -eq 4 || $status -eq 5 ]]
  [[ -z $output && $stderr == *"one"* ]]
}
