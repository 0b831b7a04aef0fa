#!/usr/bin/env bats
# What jlctl prints and how it ends: formats, errors, exit codes, help. Scripts depend on all of it.
load helpers.bash

setup_file() {
  make_home
  start_daemon
  provision dev-1 dev-2
}
teardown_file() { remove_home; }
teardown() { show_log; }

@test "every JSON document carries schema, kind and data" {
  for command in "network list" "network show mqtt-1" "device list" "device state dev-1" status whoami "can delete gateway" \
    "log access" "log system" "log stats" "protocol show official" "device impact dev-1" version "explain network"; do
    # shellcheck disable=SC2086  # words of a command
    jlctl $command -o json | jq -e '.schema == "jlctl/v1" and has("kind") and has("data")' >/dev/null || { echo "$command"; return 1; }
  done
}

@test "--json is -o json, also before the verb" {
  [[ $(jlctl --json device show dev-1 | jq -S .data.spec) == $(jlctl device show dev-1 -o json | jq -S .data.spec) ]]
}

@test "a list is sorted by id, in every format" {
  [[ $(jlctl device list -o name) == $'device/dev-1\ndevice/dev-2' || $(jlctl device list -o name) == $'dev-1\ndev-2' ]]
  [[ $(jlctl device list -q) == $'dev-1\ndev-2' ]]
  [[ $(jlctl device list -o jsonl | jq -r .id) == $'dev-1\ndev-2' ]]
  [[ $(jlctl device list -o json | jq -r '.data.items[].id') == $'dev-1\ndev-2' ]]
  [[ $(jlctl device list -o yaml | grep -c 'id: dev-') -ge 2 ]]
}

@test "a table without a terminal is tab-separated, and --no-header leaves the header out" {
  run jlctl device list --no-header
  [[ ${#lines[@]} -eq 2 && ${lines[0]} == dev-1$'\t'* ]]
  run jlctl device list
  [[ ${lines[0]} == ID$'\t'* ]]
}

@test "--fields picks and orders, and a wrong name lists the legal ones (2)" {
  [[ $(jlctl device list --fields status.state,id --no-header | head -n 1) == offline$'\t'dev-1 ]]
  run --separate-stderr jlctl device list --fields nonsense
  [[ $status -eq 2 && -z $output && $stderr == *nonsense* ]]
}

@test "an unknown noun, verb or flag is a usage error (2) that names the nearest word" {
  run --separate-stderr jlctl netwrok list
  [[ $status -eq 2 && -z $output && $stderr == *netwrok* && $stderr == *network* ]]
  run --separate-stderr jlctl network lsit
  [[ $status -eq 2 && -z $output && $stderr == *lsit* && $stderr == *list* ]]
  run --separate-stderr jlctl network list --formt json
  [[ $status -eq 2 && -z $output && $stderr == *formt* ]]
}

@test "a value that is not in a list names the legal ones (2)" {
  run --separate-stderr jlctl device list -o xml
  [[ $status -eq 2 && -z $output && $stderr == *jsonl* ]]
}

@test "a single-value flag given twice is a usage error (2)" {
  run --separate-stderr jlctl device list --limit 1 --limit 2
  [[ $status -eq 2 && -z $output ]]
}

@test "no arguments: short usage on standard error, 2" {
  run --separate-stderr jlctl
  [[ $status -eq 2 && -z $output && -n $stderr ]]
}

@test "help goes to standard output with 0, on every level" {
  for command in --help "network --help" "network add --help" "help network add" "help errors" "help exit-codes"; do
    # shellcheck disable=SC2086  # words of a command
    run --separate-stderr jlctl $command
    [[ $status -eq 0 && -n $output && -z $stderr ]] || { echo "$command"; return 1; }
  done
}

@test "help --json is one JSON document with every noun" {
  jlctl help --json | jq -e '[.. | strings] | (index("network") != null) and (index("device") != null)' >/dev/null
}

@test "with a JSON format the error is JSON on standard error" {
  run --separate-stderr jlctl device show gone -o json
  [[ $status -eq 3 && -z $output ]]
  jq -e '(.error // .data // .) | .code == "not_found" and .exitCode == 3 and (.retryable == false)' <<<"$stderr"
}

@test "a missing socket, a dead socket and a forbidden one are told apart (7, 7, 6)" {
  run --separate-stderr jlctl status --socket "$home/none.sock"
  assert_error 7 no_socket
  python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$home/dead.sock"
  run --separate-stderr jlctl status --socket "$home/dead.sock"
  assert_error 7 not_running
  [[ $(id -u) -eq 0 ]] || skip "needs root"
  share_with_nobody
  run --separate-stderr as_nobody "$home/shared/jlctl" status --socket "$JLCTL_SOCKET"
  assert_error 6 socket_denied
}

@test "a dangerous verb without a terminal and without --yes refuses (12) and changes nothing" {
  jlctl product add dangerous
  run --separate-stderr jlctl product delete dangerous </dev/null
  assert_error 12 unconfirmed
  [[ $stderr == *--yes* ]]
  run --separate-stderr jlctl product delete dangerous --no-input
  assert_error 12 unconfirmed
  jlctl product exists dangerous
}

@test "wait ends with 0 when the condition holds and with 8 when the time passes" {
  jlctl wait device/dev-1 --for status.state=offline --wait-timeout 10s
  jlctl wait device/gone --for deleted --wait-timeout 10s
  run --separate-stderr jlctl wait device/gone --for exists --wait-timeout 200ms
  assert_error 8 timeout
}

@test "--exit-changed ends with 21 when something changed, with 0 when not" {
  run jlctl device edit dev-1 --name changed --exit-changed
  [[ $status -eq 21 ]]
  run jlctl device edit dev-1 --name changed --exit-changed
  [[ $status -eq 0 ]]
}

@test "a full disk on standard output is exit 1, a closed pipe is quiet" {
  run --separate-stderr bash -c 'jlctl device list >/dev/full'
  [[ $status -eq 1 ]]
  run --separate-stderr bash -c 'jlctl device list | true'
  [[ -z $stderr ]]
}

@test "config show --origin tells where a setting comes from" {
  run --separate-stderr jlctl config show --origin
  assert_success
  [[ $output == *JLCTL_SOCKET* && $output == *"$JLCTL_SOCKET"* ]]
}

@test "explain works with and without the daemon" {
  [[ $(jlctl explain network.configuration.port) == *65535* ]]
  [[ $(JLCTL_SOCKET=$home/none.sock jlctl explain network.configuration.port --offline) == *65535* ]]
}

@test "what needs no daemon works without one" {
  export JLCTL_SOCKET=$home/none.sock
  jlctl version --client
  jlctl validate -f "$home/fleet.yaml"
  jlctl completion bash >/dev/null
  jlctl diff -f "$home/fleet.yaml" --against "$home/fleet.yaml"
}

@test "the exit codes of the table are those of the errors" {
  jlctl help errors | grep -q not_found
  jlctl help exit-codes | grep -qE '(^|[^0-9])12([^0-9]|$)'
}

@test "curl reaches the same API: version, one object, problem documents, metrics, OpenAPI" {
  curl() { command curl -s --unix-socket "$JLCTL_SOCKET" "$@"; }
  curl http://jlinkd/v1/version | jq -e '.program == "jlinkd"'
  curl http://jlinkd/v1/devices/dev-1 | jq -e '.id == "dev-1" and (.revision > 0)'
  curl -D "$home/headers" http://jlinkd/v1/devices/gone | jq -e '.code == "not_found" and .status == 404'
  grep -qi '^content-type: application/problem+json' "$home/headers"
  grep -qi '^jlinkd-api: 1\.' "$home/headers"
  curl http://jlinkd/metrics | grep -q '^# TYPE '
  curl http://jlinkd/v1/openapi.json | jq -e '.openapi and (.paths | has("/v1/devices/{id}"))'
}
