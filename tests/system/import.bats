#!/usr/bin/env bats
# What JetLinks exports, imported and applied to a daemon.
load helpers.bash

setup_file() {
  make_home
  start_daemon
  samples=$home/export
  cp -r "$JL_SOURCE/tests/support/jetlinks" "$samples"
  export samples
  # Ports of the samples are somebody else's; those of enabled components must be free.
  local port
  for port in 1883 1884 8802; do sed -i "s/\(\"port\": \"\?\)$port\b/\1$(free_port)/" "$samples"/*.json; done
}
teardown_file() { remove_home; }
teardown() { show_log; }

import_site() {
  jlctl import jetlinks "$samples"/{networks,protocols,gateways,products}.json "$samples/devices.jsonl" "$@"
}

@test "a site of 2.x is imported, valid, applied, and the same a second time" {
  run --separate-stderr import_site --out "$home/site.yaml"
  [[ $status -eq 11 ]]
  [[ $stderr == *'gateway/1702940000000000002: protocol: not carried: '* ]]
  [[ $stderr == *'gateway/1702940000000000004: provider: not carried: '* ]]
  jlctl validate -f "$home/site.yaml"
  [[ $(jlctl apply -f "$home/site.yaml" -o json | jq -c .data.summary) == '{"created":15,"updated":0,"unchanged":0,"deleted":0}' ]]
  run import_site --out "$home/again.yaml"
  cmp "$home/site.yaml" "$home/again.yaml"
  [[ $(jlctl apply -f "$home/again.yaml" -o json | jq -r .data.result) == unchanged ]]
}

@test "its gateways run, its devices are what they were" {
  run jlctl gateway list --fields id,name,enabled,status.state --no-header
  [[ $output == *1702940000000000001*MQTT直连接入*true*running* ]]
  [[ $output == *1702940000000000003*网关子设备接入*true* ]]
  [[ $(jlctl network show 1702931234567890002 -o value=spec.configuration.parserConfiguration.length) == 4 ]]
  [[ $(jlctl device show th-0003 -o value=enabled) == false ]]
  [[ $(jlctl device show probe-1 -o value=spec.parentId) == th-0001 ]]
  [[ $(jlctl product show meter -o value=enabled) == false ]]
}

@test "a device of the export connects with the credentials that it always had" {
  mqtt_port=$(jlctl network show 1702931234567890001 -o value=spec.configuration.port)
  credentials th-0001 key-0001
  mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -i th-0001 -u "$mqtt_user" -P "$mqtt_password" -q 1 \
    -t /th-sensor/th-0001/properties/report -m '{"properties":{"temp":21.5}}'
  until_true 10 test "$(jlctl device state th-0001 -o value=properties.temp.value)" = 21.5
}

@test "a site of 1.x comes over with what it leaves to the environment" {
  run --separate-stderr jlctl import jetlinks "$samples/site-1x.json" --out "$home/old/"
  assert_success
  [[ $stderr == *'set JETLINKS_NETWORK_NET_BROKER_PASSWORD for jlctl apply'* ]]
  jlctl validate -f "$home/old/"
  run --separate-stderr jlctl apply -f "$home/old/"
  assert_error 5 invalid
  export JETLINKS_NETWORK_NET_BROKER_PASSWORD=secret JETLINKS_NETWORK_NET_BROKER_USERNAME=bridge
  jlctl apply -f "$home/old/"
  [[ $(jlctl product show p-1x -o value=spec.accessId) == gw-mqtt ]]
  [[ $(jlctl apply -f "$home/old/" -o json | jq -r .data.result) == unchanged ]]
}

@test "devices alone lean on what the daemon has, through a pipe" {
  sed 's/,"vendorCode":"A7"//' "$samples/devices.jsonl" >"$home/devices.jsonl"
  jlctl import jetlinks "$home/devices.jsonl" --existing product 2>"$home/notes" >"$home/devices.yaml"
  [[ $(grep -c 'became "7-' "$home/notes") -eq 1 && $(wc -l <"$home/notes") -eq 1 ]]
  [[ $(jlctl apply -f - -o json <"$home/devices.yaml" | jq -c .data.summary) == '{"created":0,"updated":0,"unchanged":5,"deleted":0}' ]]
  run --separate-stderr jlctl import jetlinks "$samples/devices.jsonl" --existing product
  [[ $stderr == *'configuration.vendorCode: kept for the protocol that the daemon has'* ]]
  run --separate-stderr jlctl import jetlinks "$samples/devices.jsonl" -o json --out "$home/none.yaml"
  [[ $status -eq 11 && $(jq .data.documents <<<"$output") -eq 0 ]]
  [[ $(jq '[.data.notes[] | select(.severity == "error")] | length' <<<"$output") -eq 5 ]]
}

@test "hostile files end with 5 and say which" {
  head -c 200000 /dev/zero | tr '\0' '[' >"$home/deep.json"
  head -c 100000 /dev/urandom >"$home/noise.json"
  printf '{"id":1,"type":"UDP","configuration":{"port":1}' >"$home/cut.json"
  for file in noise cut; do
    run --separate-stderr jlctl import jetlinks "$home/$file.json"
    assert_error 5 invalid
    [[ $stderr == *"$file.json"* ]]
  done
  run --separate-stderr jlctl import jetlinks "$home/deep.json"
  assert_error 5 too_large
  [[ $stderr == *deep.json* && ${#stderr} -lt 1000 ]]
}
