#!/usr/bin/env bats
# The access log and the system log, and that no secret is ever shown anywhere.
load helpers.bash

setup_file() {
  make_home
  start_daemon
  provision dev-1
}
teardown_file() { remove_home; }
teardown() { show_log; }

logged() { jlctl log access -o json | jq -e "[.data.items[] | select($1)] | length > 0" >/dev/null; }

@test "a change leaves one record: who, what, on what, how long, how it ended, revisions" {
  jlctl product add logged
  until_true 30 logged '.action == "product add" and .object == "product/logged" and .status == "ok" and .uid == '"$(id -u)"' and
    .duration >= 0 and .httpStatus == 201 and (.revisionAfter > 0)'
  [[ $(jlctl log access -o json | jq '[.data.items[] | select(.object == "product/logged")] | length') -eq 1 ]]
}

@test "a change that fails leaves a record with its code" {
  run jlctl product delete gone --yes
  until_true 30 logged '.action == "product delete" and .status == "failed" and .code == "not_found"'
}

@test "filters: status, action, user, since, grep, limit" {
  jlctl log access --status failed -o json | jq -e '[.data.items[] | select(.status != "failed")] | length == 0'
  jlctl log access --action "product *" -o json | jq -e '(.data.items | length > 0) and ([.data.items[] | select(.action | startswith("product ") | not)] | length == 0)'
  jlctl log access --user nobody-at-all -o json | jq -e '.data.items | length == 0'
  jlctl log access --since 2099-01-01T00:00:00Z -o json | jq -e '.data.items | length == 0'
  jlctl log access --grep product/logged -o json | jq -e '.data.items | length > 0'
  jlctl log access --limit 1 -o json | jq -e '.data.items | length == 1'
}

@test "--follow goes on as new records arrive" {
  jlctl log access --follow -o jsonl >"$home/follow" 3>&- &
  follower=$!
  followed() {
    jlctl product edit logged --description "d$RANDOM"
    grep -q '"product edit"' "$home/follow"
  }
  until_true 30 followed
  kill "$follower"
}

@test "the system log keeps what went wrong, WARN and above" {
  credentials dev-1 wrong
  run mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i dev-1 -u "$mqtt_user" -P "$mqtt_password" -t x -m x
  [[ $status -ne 0 ]]
  stored() { jlctl log system -o json | jq -e '[.data.items[] | select(.level == "WARN" or .level == "ERROR")] | length > 0' >/dev/null; }
  until_true 30 stored
  jlctl log system -o json | jq -e '[.data.items[] | select(.level == "INFO" or .level == "DEBUG")] | length == 0'
}

@test "stats count the records, purge deletes them" {
  jlctl log stats -o json | jq -e '.data.access.records > 0 and .data.access.dropped == 0'
  jlctl log purge --before 0s --yes || jlctl log purge --before "$(date -u +%FT%TZ)" --yes
  jlctl log stats -o json | jq -e '.data.access.records < 5'
}

@test "a secret is never shown: not by any command, not in any log, not in clear in the state folder" {
  canary=c4n4ry-s3cr3t-value
  printf '%s' "$canary" >"$home/canary"
  chmod 600 "$home/canary"
  shown=$home/shown
  {
    jlctl device add canary --product sensor --config secureId=canary --config-secret-file "secureKey=$home/canary" --enabled --debug
    jlctl device edit canary --config-secret-file "secureKey=$home/canary" --debug -o json
    jlctl device show canary -o json
    jlctl device show canary -o yaml
    jlctl device list -o wide
    jlctl device list -o json
    jlctl export
    jlctl diff -f "$home/fleet.yaml" || true
    jlctl watch device --limit 1 -o jsonl &
    jlctl device edit canary --description changed --debug
    printf 'kind: device\nid: canary\nenabled: true\nspec: {productId: sensor, configuration: {secureId: canary, secureKey: %s-2}}\n' "$canary" >"$home/canary.yaml"
    jlctl diff -f "$home/canary.yaml" || true
    jlctl apply -f "$home/canary.yaml" --dry-run -o json || true
    jlctl apply -f "$home/canary.yaml" --debug -o json
    printf 'kind: device\nid: canary\nspec: {productId: 7, configuration: {secureKey: %s}}\n' "$canary" | jlctl apply -f - -o json || true
    curl -s --unix-socket "$JLCTL_SOCKET" http://jlinkd/v1/devices/canary
    curl -s --unix-socket "$JLCTL_SOCKET" -X POST --data "{\"id\":\"canary\",\"spec\":{\"configuration\":{\"secureKey\":\"$canary\"}}" http://jlinkd/v1/devices
    curl -s --unix-socket "$JLCTL_SOCKET" http://jlinkd/metrics
    mqtt_user="canary|$(date +%s%3N)"
    mqtt_password=$(printf '%s|%s-2' "$mqtt_user" "$canary" | md5sum | cut -d ' ' -f 1)
    mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i canary -u "$mqtt_user" -P "$mqtt_password" -q 1 -t /sensor/canary/properties/report -m '{"properties":{"temp":1}}'
    mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i canary -u canary -P "$canary" -q 1 -t x -m x || true
    jlctl device messages canary -o json
    jlctl log access --limit 1000 -o json
    jlctl log system --limit 1000 -o json
  } >"$shown" 2>&1
  jlctl device exists canary
  [[ $(jlctl device state canary -o value=properties.temp.value) == 1* ]]
  stop_daemon_of_file
  run grep -n "$canary" "$shown" "$daemon_log"
  [[ $status -eq 1 ]] || { echo "$output"; return 1; }
  run grep -rla "$canary" "$home/state"
  [[ $status -eq 1 ]] || { echo "$output"; return 1; }
}

stop_daemon_of_file() {
  kill -TERM "$(daemon_pid)"
  until_true 30 not_running "$(daemon_pid)"
}

@test "export --with-secrets writes a file that only its owner reads, is logged, and applies unchanged" {
  kill -0 "$(daemon_pid)" 2>/dev/null || start_daemon
  jlctl export --with-secrets -f "$home/full.yaml"
  [[ $(stat -c %a "$home/full.yaml") == 600 ]]
  grep -q key-dev-1 "$home/full.yaml"
  until_true 30 logged '.action == "export"'
  jlctl apply -f "$home/full.yaml" -o json | jq -e '.data.result == "unchanged"'
}
