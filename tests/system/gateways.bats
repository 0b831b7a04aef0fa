#!/usr/bin/env bats
# Gateways of all providers: what they need, what their show tells, what stays fixed (access.md 1, 2).
load helpers.bash
load transports.bash

setup_file() {
  make_home
  start_daemon
  open_door http-1 HTTP_SERVER http-server-gateway "port: $(free_port), publicHost: iot.example.com, publicPort: 443"
  open_door udp-1 UDP udp-device-gateway "port: $(free_udp_port)"
}
teardown_file() { remove_home; }
teardown() { show_log; }

@test "show tells addresses, routes, the protocol's document, counters and sessions" {
  jlctl gateway show gw-http-1 -o json >"$home/shown"
  jq -e '.data.status | .state == "running" and .transport == "HTTP" and .addresses == ["http://iot.example.com:443"] and .sessions == 0' "$home/shown"
  jq -e '.data.status.routes | map(select(.topic | endswith("/properties/report"))) | .[0] | .method == "POST" and .direction == "up"' "$home/shown"
  jq -e '.data.status.document | contains("Bearer")' "$home/shown"
  jq -e '.data.status.counters | has("connections") and has("rejected") and has("receivedMessages") and has("sentMessages")' "$home/shown"
  jlctl gateway show gw-udp-1 -o json | jq -e '.data.status | .transport == "UDP" and (.document | length > 100)'
  run jlctl gateway show gw-http-1
  assert_success
}

@test "a provider wants a component of its type; child-device wants none" {
  run --separate-stderr jlctl gateway add g --provider coap-server-gateway --network http-1 --protocol official
  [[ $status -eq 5 && -z $output && $stderr == *"COAP_SERVER"* ]]
  run --separate-stderr jlctl gateway add g --provider tcp-server-gateway --protocol official
  [[ $status -eq 5 && $stderr == *TCP_SERVER* ]]
  run --separate-stderr jlctl gateway add g --provider child-device --network http-1 --protocol official
  [[ $status -eq 5 && -z $output ]]
  jlctl gateway add children --provider child-device --protocol official
  [[ $(jlctl gateway show children -o value=status.state) == running ]]
  jlctl gateway disable children --yes && jlctl gateway delete children --yes
}

@test "UDP components are one gateway's alone, HTTP components may be shared" {
  run --separate-stderr jlctl gateway add g --provider udp-device-gateway --network udp-1 --protocol official
  assert_error 4 in_use
  jlctl gateway add shared --provider http-server-gateway --network http-1 --protocol official
  jlctl gateway disable shared --yes && jlctl gateway delete shared --yes
}

@test "the provider never changes, the protocol not while a product uses the gateway; deleting wants it disabled and unused" {
  run --separate-stderr jlctl gateway edit gw-http-1 --provider udp-device-gateway
  [[ $status -eq 5 && -z $output ]]
  jlctl protocol add other --type builtin --builtin jetlinks-official
  run --separate-stderr jlctl gateway edit gw-http-1 --protocol other
  assert_error 4 in_use
  run --separate-stderr jlctl gateway delete gw-http-1 --yes
  assert_error 4 enabled
  jlctl gateway disable gw-http-1 --yes
  run --separate-stderr jlctl gateway delete gw-http-1 --yes
  assert_error 4 in_use
  jlctl gateway enable gw-http-1
}

@test "a disabled component leaves its gateway waiting, and comes back to it (network.md 4.3)" {
  jlctl network disable http-1 --yes
  [[ $(jlctl gateway show gw-http-1 -o value=status.state) == waiting ]]
  jlctl network enable http-1
  [[ $(jlctl gateway show gw-http-1 -o value=status.state) == running ]]
}
