#!/usr/bin/env bats
# apply, export, diff and validate: one transaction, all problems at once, and nothing changes twice.
load helpers.bash

setup_file() {
  make_home
  start_daemon
  provision dev-1 dev-2
}
teardown_file() { remove_home; }
teardown() {
  show_log
  if [[ -n ${listener:-} ]]; then kill "$listener" 2>/dev/null || true; fi
}

result_of() { jq -r .data.result; }

@test "applying the same files again changes nothing" {
  [[ $(jlctl apply -f "$home/fleet.yaml" -o json | result_of) == unchanged ]]
}

@test "export | apply changes nothing, secrets included" {
  revision=$(jlctl status -o value=revision)
  [[ $(jlctl export | jlctl apply -f - -o json | result_of) == unchanged ]]
  [[ $(jlctl status -o value=revision) == "$revision" ]]
  publish dev-1 properties/report '{"properties":{"temp":1}}'
}

@test "an export moved to an empty daemon asks for the secrets (5)" {
  jlctl export >"$home/export.yaml"
  jlctl device delete dev-2 --yes 2>/dev/null || { jlctl device disable dev-2 --yes && jlctl device delete dev-2 --yes; }
  run --separate-stderr jlctl apply -f "$home/export.yaml"
  assert_error 5 secret_missing
  jlctl apply -f "$home/fleet.yaml"
}

@test "diff and apply --dry-run end with 20 when something would change, 0 when not, and change nothing" {
  revision=$(jlctl status -o value=revision)
  sed 's/unit: celsiusDegrees/unit: kelvin/' "$home/fleet.yaml" >"$home/changed.yaml"
  run jlctl diff -f "$home/changed.yaml"
  [[ $status -eq 20 && $output == *kelvin* ]]
  run jlctl apply -f "$home/changed.yaml" --dry-run -o json
  [[ $status -eq 20 ]]
  jq -e '.data.result == "planned" and .data.summary.updated == 1' <<<"$output"
  run jlctl diff -f "$home/fleet.yaml"
  [[ $status -eq 0 ]]
  [[ $(jlctl status -o value=revision) == "$revision" ]]
}

@test "every problem of every document is reported with file, line and column, and nothing is applied (5)" {
  cat >"$home/wrong.yaml" <<'EOF'
kind: product
id: fine
---
kind: network
id: n
spec:
  type: MQTT_SERVER
  configuration:
    port: 99999
    maxMessageSize: tiny
---
kind: device
id: orphan
spec:
  productId: missing
EOF
  run --separate-stderr jlctl apply -f "$home/wrong.yaml"
  [[ $status -eq 5 && -z $output ]]
  [[ $stderr == *"wrong.yaml:9:"* && $stderr == *"wrong.yaml:10:"* ]]
  run jlctl product exists fine
  [[ $status -eq 3 ]]
  run --separate-stderr jlctl validate -f "$home/wrong.yaml"
  [[ $status -eq 5 && $stderr == *"wrong.yaml:9:"* ]]
}

@test "a reference to an object that is nowhere is refused, one within the same files is fine" {
  printf 'kind: device\nid: late\nspec: {productId: later}\n---\nkind: product\nid: later\n' >"$home/order.yaml"
  [[ $(jlctl apply -f "$home/order.yaml" -o json | result_of) == applied ]]
  jlctl device delete late --yes
  jlctl product delete later --yes
  printf 'kind: device\nid: late\nspec: {productId: nowhere}\n' >"$home/order.yaml"
  run --separate-stderr jlctl apply -f "$home/order.yaml"
  [[ ($status -eq 5 || $status -eq 3) && -z $output && $stderr == *nowhere* ]]
}

@test "broken YAML is told with its line (5)" {
  printf 'kind: product\nid: [\n' >"$home/broken.yaml"
  run --separate-stderr jlctl apply -f "$home/broken.yaml"
  [[ $status -eq 5 && -z $output && $stderr == *broken.yaml:* ]]
}

@test "a folder and JSON files are read too" {
  mkdir "$home/site"
  echo '{"kind": "product", "id": "json-a"}' >"$home/site/a.json"
  printf 'kind: product\nid: yaml-b\n' >"$home/site/b.yaml"
  jlctl apply -f "$home/site" -o json | jq -e '.data.summary.created == 2'
}

@test "--prune removes only what the same set named before, and asks" {
  printf 'kind: product\nid: set-a\n---\nkind: product\nid: set-b\n' >"$home/set.yaml"
  jlctl apply -f "$home/set.yaml" --set demo
  jlctl product add not-in-set
  printf 'kind: product\nid: set-a\n' >"$home/set.yaml"
  run --separate-stderr jlctl apply -f "$home/set.yaml" --set demo --prune </dev/null
  assert_error 12 unconfirmed
  jlctl apply -f "$home/set.yaml" --set demo --prune --yes -o json | jq -e '.data.summary.deleted == 1'
  run jlctl product exists set-b
  [[ $status -eq 3 ]]
  jlctl product exists not-in-set
}

@test "a network that cannot start makes the whole apply fail, and nothing is left of it" {
  port=$(free_port)
  nc -lk 127.0.0.1 "$port" >/dev/null 3>&- &
  listener=$!
  until_true 30 nc -z 127.0.0.1 "$port"
  printf 'kind: product\nid: with-it\n---\nkind: network\nid: taken\nspec: {type: MQTT_SERVER, configuration: {host: 127.0.0.1, port: %s}}\n' "$port" >"$home/taken.yaml"
  run --separate-stderr jlctl apply -f "$home/taken.yaml"
  kill "$listener"
  assert_error 4 address_in_use
  run jlctl product exists with-it
  [[ $status -eq 3 ]]
}

@test "10,000 devices: one transaction, seconds, and a second run says all unchanged" {
  fleet=$home/fleet-example.yaml
  sed "s/port: [0-9]*/port: $(free_port)/" "$JL_SOURCE/examples/fleet.yaml" >"$fleet"
  started=$SECONDS
  jlctl apply -f "$fleet" --timeout 60s -o json >"$home/first.json"
  echo "applied in about $((SECONDS - started)) s"
  [[ $((SECONDS - started)) -le 30 ]]
  jq -e '.data.result == "applied" and .data.summary.created >= 10000' "$home/first.json"
  revision=$(jlctl status -o value=revision)
  jlctl apply -f "$fleet" --timeout 60s -o json | jq -e '.data.result == "unchanged" and .data.summary.unchanged >= 10000'
  [[ $(jlctl status -o value=revision) == "$revision" ]]
  [[ $(jlctl device list -q | wc -l) -ge 10000 ]]
}
