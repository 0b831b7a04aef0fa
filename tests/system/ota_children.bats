#!/usr/bin/env bats
# Devices behind a gateway device (网关子设备): each is told through it, one after the other (operations.md 1.5).
load helpers.bash
load ota.bash

setup_file() {
  make_home
  start_daemon
  open_ota
  jlctl apply -f - <<EOF
kind: gateway
id: children
spec: {provider: child-device, protocol: official}
---
kind: product
id: hub
enabled: true
spec: $(product_spec gw-1 ', deviceType: gateway')
---
kind: product
id: node
enabled: true
spec: $(product_spec children ', deviceType: childrenDevice')
EOF
  add_devices hub hub-1 hub-2
  child() { printf -- '---\n{"kind": "device", "id": "%s", "enabled": true, "spec": {"productId": "node", "parentId": "%s"}}\n' "$1" "$2"; }
  { child n1 hub-1; child n2 hub-1; child n3 hub-1; child m1 hub-2; } | jlctl apply -f -
  head -c 20000 /dev/urandom >"$home/fw-n.bin"
  jlctl ota firmware add fw-n --product node --version 1.0.0 --order 1 --image "$home/fw-n.bin" --sign "$(sha256_of "$home/fw-n.bin")"
  start_devices hub hub-1 hub-2
}
teardown_file() {
  stop_devices
  remove_home
}
teardown() { show_log; }

told() { grep -oE "^got child/[^/]+/firmware/upgrade " "$home/words-$1" | cut -d / -f 2; } # children in their order
has_told() { [[ $(told "$1" | wc -l) -ge $2 ]]; }
message() { grep "^got child/$2/firmware/upgrade " "$home/words-$1" | tail -n 1 | cut -d ' ' -f 3-; }

@test "children are told through their gateway device, one until it has given a sign, and each by its own parent" {
  local node
  for node in n1 n2 n3; do tell hub-1 "child/$node/online" '{}'; done
  tell hub-2 child/m1/online '{}'
  for node in n1 n2 n3 m1; do jlctl wait "device/$node" --for status.state=online --wait-timeout 20s; done
  jlctl ota task add roll-n --firmware fw-n --response-timeout 3600 --upgrade-timeout 3600
  # hub-2's child does not wait for those of hub-1.
  until_true 20 has_told hub-2 1
  until_true 20 has_told hub-1 1
  first=$(told hub-1)
  message hub-1 "$first" | jq -e --arg id "$first" '.version == "1.0.0" and .size == 20000 and .deviceId == $id'
  [[ $(task_status roll-n processing) == 2 && $(task_status roll-n waiting) == 2 ]]

  # A reply is a sign; with it the next one is told, although the first is not done.
  tell hub-1 "child-reply/$first/firmware/upgrade/reply" "$(message hub-1 "$first" | jq -c '{messageId, success: true}')"
  has_record roll-n "$first" '.state == "processing" and .ackTime > 0'
  until_true 20 has_told hub-1 2
  second=$(told hub-1 | sed -n 2p)
  [[ $second != "$first" ]]
  [[ $(task_status roll-n waiting) == 1 ]]

  # So is progress, and so is a download.
  tell hub-1 "child/$second/firmware/upgrade/progress" '{"progress":10,"version":"1.0.0"}'
  until_true 20 has_told hub-1 3
  third=$(told hub-1 | sed -n 3p)
  curl -sS -m 30 "$(message hub-1 "$third" | jq -r .url)" | cmp - "$home/fw-n.bin"
  has_record roll-n "$third" '.bytesServed == 20000 and .ackTime > 0'
  [[ $(task_status roll-n processing) == 4 ]]

  for node in n1 n2 n3; do
    tell hub-1 "child/$node/firmware/upgrade/progress" '{"progress":100,"complete":true,"success":true,"version":"1.0.0"}'
  done
  tell hub-2 child/m1/firmware/report '{"version":"1.0.0"}'
  for node in n1 n2 n3 m1; do has_record roll-n "$node" '.state == "success"'; done
  # Nobody was told twice.
  [[ $(told hub-1 | sort | paste -sd ' ') == "n1 n2 n3" && $(told hub-2) == m1 ]]
}

@test "one that fails makes room for the next, and one whose gateway device is not there waits" {
  head -c 20000 /dev/urandom >"$home/fw-o.bin"
  jlctl ota firmware add fw-o --product node --version 2.0.0 --order 2 --image "$home/fw-o.bin" --sign auto
  stop_device hub-2
  jlctl wait device/m1 --for status.state=offline --wait-timeout 20s
  jlctl ota task add roll-o --firmware fw-o --response-timeout 3600 --upgrade-timeout 3600
  for turn in 4 5 6; do
    until_true 20 has_told hub-1 "$turn"
    node=$(told hub-1 | sed -n "${turn}p")
    tell hub-1 "child-reply/$node/firmware/upgrade/reply" "$(message hub-1 "$node" | jq -c '{messageId, success: false, message: "busy"}')"
    has_record roll-o "$node" '.state == "failed" and .errorReason == "busy"'
  done
  record roll-o m1 | jq -e '.state == "waiting" and .attempt == 0'
  start_devices hub hub-2
  tell hub-2 child/m1/online '{}'
  until_true 20 has_told hub-2 1
  tell hub-2 child/m1/firmware/upgrade/progress '{"progress":100,"complete":true,"success":true,"version":"2.0.0"}'
  has_record roll-o m1 '.state == "success"'
}

@test "a child that is silent makes room for the next when its time is over" {
  head -c 20000 /dev/urandom >"$home/fw-p.bin"
  jlctl ota firmware add fw-p --product node --version 3.0.0 --order 3 --image "$home/fw-p.bin" --sign auto
  jlctl ota task add roll-p --firmware fw-p --device n1 --device n2 --device n3 --response-timeout 1 --upgrade-timeout 3600
  until_true 30 has_told hub-1 9
  for node in n1 n2 n3; do has_record roll-p "$node" '.state == "failed" and .errorReason == "response timeout" and .attempt == 1'; done
}
