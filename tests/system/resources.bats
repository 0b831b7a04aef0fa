#!/usr/bin/env bats
# The life of each noun through jlctl: add, show, list, edit, enable, disable, exists, delete, and every refusal.
load helpers.bash

setup_file() {
  make_home
  start_daemon
}
teardown_file() { remove_home; }
teardown() { show_log; }

result_of() { jq -r .data.result; }

@test "network: add, show, list, edit, disable, enable, delete" {
  port=$(free_port)
  [[ $(jlctl network add n1 --type mqtt-server --host 127.0.0.1 --port "$port" -o json | result_of) == created ]]
  [[ $(jlctl network show n1 -o value=status.state) == running ]]
  [[ $(jlctl network show n1 -o value=spec.type) == MQTT_SERVER ]]
  [[ $(jlctl network list -o json | jq -r '.data.items[].id') == n1 ]]
  [[ $(jlctl network edit n1 --max-message-size 65536 -o json | result_of) == updated ]]
  [[ $(jlctl network edit n1 --max-message-size 65536 -o json | result_of) == unchanged ]]
  [[ $(jlctl network show n1 -o value=spec.configuration.maxMessageSize) == 65536 ]]
  [[ $(jlctl network disable n1 --yes -o json | result_of) == updated ]]
  [[ $(jlctl network show n1 -o value=status.state) == stopped ]]
  run nc -z 127.0.0.1 "$port"
  [[ $status -ne 0 ]]
  [[ $(jlctl network enable n1 -o json | result_of) == updated ]]
  nc -z 127.0.0.1 "$port"
  [[ $(jlctl network enable n1 -o json | result_of) == unchanged ]]
  run --separate-stderr jlctl network delete n1 --yes
  if [[ $status -ne 0 ]]; then
    jlctl network disable n1 --yes
    jlctl network delete n1 --yes
  fi
  run jlctl network exists n1
  [[ $status -eq 3 && -z $output ]]
}

@test "cert: add, show, list, edit, renew, exists, delete" {
  (umask 077; openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=c.example -days 90 \
    -keyout "$home/c.key" -out "$home/c.pem" -addext subjectAltName=DNS:c.example 2>"$home/openssl.log")
  [[ $(jlctl cert add c1 --key-file "$home/c.key" --cert-file "$home/c.pem" -o json | result_of) == created ]]
  [[ $(jlctl cert show c1 -o value=status.subject) == CN=c.example ]]
  [[ $(jlctl cert list -o json | jq -r '.data.items[].id') == c1 ]]
  [[ $(jlctl cert edit c1 --name "One" -o json | result_of) == updated ]]
  [[ $(jlctl cert edit c1 --name "One" -o json | result_of) == unchanged ]]
  [[ $(jlctl cert renew c1 --key-file "$home/c.key" --cert-file "$home/c.pem" -o json | result_of) == unchanged ]]
  jlctl cert exists c1
  [[ $(jlctl cert delete c1 --yes -o json | result_of) == deleted ]]
  run jlctl cert exists c1
  [[ $status -eq 3 && -z $output ]]
}

@test "user: add, show, list, edit, exists, delete; its password is kept as a hash" {
  port=$(free_port)
  (umask 077; echo secret-1 >"$home/pw-1"; echo secret-2 >"$home/pw-2")
  jlctl network add nu --type mqtt-server --host 127.0.0.1 --port "$port"
  [[ $(jlctl user add u1 --network nu --password-file "$home/pw-1" --subscribe '/device/#' -o json | result_of) == created ]]
  [[ $(jlctl user list -o json | jq -r '.data.items[].id') == u1 ]]
  jlctl user show u1 -o json | jq -e '.data.spec.subscribe == ["/device/#"] and (.data.spec.password | startswith("sealed:"))'
  [[ $(jlctl user edit u1 --password-file "$home/pw-1" -o json | result_of) == unchanged ]]
  [[ $(jlctl user edit u1 --password-file "$home/pw-2" -o json | result_of) == updated ]]
  run --separate-stderr jlctl user edit u1 --subscribe 'a#'
  [[ ($status -eq 5 || $status -eq 2) && -z $output && $stderr == *subscribe* ]]
  run --separate-stderr jlctl user add u2 --network nu --username u1 --password-file "$home/pw-1"
  [[ $status -ne 0 && -z $output && $stderr == *username* ]]
  jlctl user exists u1
  jlctl user disable u1 --yes
  [[ $(jlctl user delete u1 --yes -o json | result_of) == deleted ]]
  run jlctl user exists u1
  [[ $status -eq 3 && -z $output ]]
  jlctl network disable nu --yes
  jlctl network delete nu --yes
}

@test "protocol: add, show its routes, edit, delete" {
  [[ $(jlctl protocol add p1 --builtin jetlinks-official -o json | result_of) == created ]]
  jlctl protocol show p1 -o json | jq -e '.data.status.routes | length > 5'
  [[ $(jlctl protocol edit p1 --description "of the tests" -o json | result_of) == updated ]]
  jlctl protocol disable p1 --yes
  [[ $(jlctl protocol show p1 -o value=enabled) == false ]]
  jlctl protocol delete p1 --yes
}

@test "gateway, product and device: references hold from both ends" {
  port=$(free_port)
  jlctl network add n2 --type mqtt-server --host 127.0.0.1 --port "$port"
  jlctl protocol add p2 --builtin jetlinks-official
  run --separate-stderr jlctl gateway add g2 --provider mqtt-server-gateway --network missing --protocol p2
  [[ $status -eq 5 || $status -eq 3 ]]
  [[ -z $output && $stderr == *missing* ]]
  jlctl gateway add g2 --provider mqtt-server-gateway --network n2 --protocol p2
  jlctl product add q2 --gateway g2 --enabled
  echo secret >"$home/key"
  chmod 600 "$home/key"
  jlctl device add d2 --product q2 --config secureId=d2 --config-secret-file "secureKey=$home/key" --enabled
  [[ $(jlctl device show d2 -o value=status.state) == offline ]]

  run --separate-stderr jlctl product delete q2 --yes
  assert_error 4 enabled
  jlctl device disable d2 --yes
  jlctl product disable q2 --yes
  run --separate-stderr jlctl product delete q2 --yes
  assert_error 4 in_use
  jlctl network disable n2 --yes
  run --separate-stderr jlctl network delete n2 --yes
  assert_error 4 in_use
  [[ $stderr == *g2* ]]
  run --separate-stderr jlctl protocol disable p2 --yes
  [[ $status -eq 4 && $stderr == *g2* ]]
  jlctl network impact n2 -o json | jq -e '.data.usedBy | index("gateway/g2") != null'

  [[ $(jlctl device show d2 -o value=status.state) == notActive ]]
  jlctl device delete d2 --yes
  jlctl product delete q2 --yes
  jlctl gateway disable g2 --yes
  jlctl gateway delete g2 --yes
  jlctl network delete n2 --yes
  jlctl protocol disable p2 --yes
  jlctl protocol delete p2 --yes
  [[ -z $(jlctl export) ]]
}

@test "add of an existing id is already_exists (4)" {
  jlctl protocol add twice --builtin jetlinks-official
  run --separate-stderr jlctl protocol add twice --builtin jetlinks-official
  assert_error 4 already_exists
}

@test "add --if-not-exists compares the specification" {
  jlctl product add same --name One
  [[ $(jlctl product add same --name One --if-not-exists -o json | result_of) == unchanged ]]
  run --separate-stderr jlctl product add same --name Two --if-not-exists
  assert_error 4 conflict
}

@test "a missing object is not_found (3) for show, edit, enable, disable and delete" {
  for command in "show gone" "edit gone --name x" "enable gone" "disable gone --yes" "delete gone --yes"; do
    # shellcheck disable=SC2086  # words of a command
    run --separate-stderr jlctl product $command
    assert_error 3 not_found
  done
}

@test "delete --if-exists of a missing object is absent (0)" {
  [[ $(jlctl product delete gone --yes --if-exists -o json | result_of) == absent ]]
}

@test "exists answers with 0 or 3 and prints nothing" {
  jlctl product add here
  run jlctl product exists here
  [[ $status -eq 0 && -z $output ]]
  run jlctl product exists gone
  [[ $status -eq 3 && -z $output ]]
}

@test "an unknown field names the nearest one (5 or 2)" {
  run --separate-stderr jlctl network add n9 --type mqtt-server --prot 1883
  [[ $status -eq 2 && -z $output && $stderr == *"--port"* ]]
  printf 'kind: network\nid: n9\nspec: {type: MQTT_SERVER, configuration: {prot: 1883}}\n' >"$home/bad.yaml"
  run --separate-stderr jlctl apply -f "$home/bad.yaml"
  [[ $status -eq 5 && -z $output && $stderr == *prot* && $stderr == *port* && $stderr == *"bad.yaml:3"* ]]
}

@test "a value out of range is refused with its field (5)" {
  run --separate-stderr jlctl network add n9 --type mqtt-server --port 70000
  [[ ($status -eq 5 || $status -eq 2) && -z $output && $stderr == *port* ]]
  run jlctl network exists n9
  [[ $status -eq 3 ]]
}

@test "an immutable field cannot change (5)" {
  jlctl product add fixed-a
  jlctl product add fixed-b
  jlctl device add fixed-d --product fixed-a
  run --separate-stderr jlctl device edit fixed-d --product fixed-b
  [[ ($status -eq 5 || $status -eq 2) && -z $output && $stderr == *product* ]]
}

@test "--if-revision guards an edit (4)" {
  revision=$(jlctl product add guarded -o json | jq .data.revision)
  jlctl product edit guarded --name A --if-revision "$revision"
  run --separate-stderr jlctl product edit guarded --name B --if-revision "$revision"
  assert_error 4 revision_mismatch
  [[ $(jlctl product show guarded -o value=name) == A ]]
}

@test "--request-id makes a retry safe, and refuses another request under the same id (4)" {
  first=$(jlctl product add retried --request-id r-1 -o json | jq -c '[.data.result, .data.revision]')
  [[ $(jlctl product add retried --request-id r-1 -o json | jq -c '[.data.result, .data.revision]') == "$first" ]]
  run --separate-stderr jlctl product add other --request-id r-1
  assert_error 4 request_id_mismatch
}

@test "edit --unset brings a field back to its default" {
  jlctl product add unset-me --description "a text"
  jlctl product edit unset-me --unset description
  [[ $(jlctl product show unset-me -o json | jq '.data.description // ""') == '""' ]]
}

@test "a batch goes on after a failure and ends with partial (11)" {
  jlctl product add batch-a
  jlctl product add batch-b
  run --separate-stderr jlctl product enable batch-a gone batch-b
  [[ $status -eq 11 && $stderr == *gone* ]]
}

@test "an enabled device cannot be deleted (4)" {
  jlctl product add keep --enabled || jlctl product add keep
  jlctl device add keep-d --product keep --enabled || skip "needs a gateway"
  run --separate-stderr jlctl device delete keep-d --yes
  [[ $status -eq 4 && -z $output ]]
}

@test "names in any language, ids only in the allowed letters" {
  jlctl product add names --name "温湿度传感器"
  [[ $(jlctl product show names -o value=name) == "温湿度传感器" ]]
  run --separate-stderr jlctl product add "with space"
  [[ ($status -eq 2 || $status -eq 5) && -z $output ]]
  run --separate-stderr jlctl product add "$(printf 'x%.0s' {1..65})"
  [[ ($status -eq 2 || $status -eq 5) && -z $output ]]
}

@test "watch prints a change as it is committed" {
  jlctl watch product --limit 1 -o jsonl >"$home/watch" 3>&- &
  watcher=$!
  until_true 30 sees_watcher
  wait "$watcher"
  jq -e '.event == "put" and .kind == "product" and .id == "watched"' "$home/watch"
}
sees_watcher() {
  jlctl product edit watched --description "$RANDOM" 2>/dev/null || jlctl product add watched
  [[ -s $home/watch ]]
}

@test "ota server, firmware, task: add, show, list, edit, exists, delete (operations.md 1.1, 1.2)" {
  local port
  port=$(free_port)
  jlctl network add oh --type http-server --host 127.0.0.1 --port "$port"
  [[ $(jlctl ota server add os --network oh --public-url "http://127.0.0.1:$port/" -o json | result_of) == created ]]
  [[ $(jlctl ota server show os -o value=spec.publicUrl) == "http://127.0.0.1:$port" ]]
  [[ $(jlctl ota server edit os --max-downloads 5 -o json | result_of) == updated ]]
  [[ $(jlctl ota server disable os --yes -o json | result_of) == updated ]]
  [[ $(jlctl ota server enable os -o json | result_of) == updated ]]
  run --separate-stderr jlctl network disable oh --yes
  run --separate-stderr jlctl network delete oh --yes
  assert_error 4 in_use

  jlctl network add om --type mqtt-server --host 127.0.0.1 --port "$(free_port)"
  jlctl protocol add op --type builtin --enabled
  jlctl gateway add og --provider mqtt-server-gateway --network om --protocol op --enabled
  jlctl product add opr --gateway og --enabled
  jlctl device add od --product opr --config secureId=a --enabled
  head -c 5000 /dev/urandom >"$home/fw.bin"
  local new=(--product opr --version 1.1 --order 11 --image "$home/fw.bin" --sign auto)
  [[ $(jlctl ota firmware add of "${new[@]}" -o json | result_of) == created ]]
  [[ $(jlctl ota firmware add of "${new[@]}" --if-not-exists -o json | result_of) == unchanged ]]
  [[ $(jlctl ota firmware show of -o value=spec.size) == 5000 ]]
  [[ $(jlctl ota firmware show of -o value=spec.sign) == "$(sha256sum "$home/fw.bin" | cut -d ' ' -f 1)" ]]
  [[ $(jlctl ota firmware list --product opr -q) == of ]]
  [[ $(jlctl ota firmware edit of --description "quieter" -o json | result_of) == updated ]]
  jlctl ota firmware exists of

  [[ $(jlctl ota task add ot --firmware of -o json | result_of) == created ]]
  [[ $(jlctl ota task show ot -o json | jq -c '.data.status | [.state, .waiting, .total]') == '["waiting",1,1]' ]]
  [[ $(jlctl ota task list --firmware of -q) == ot ]]
  [[ $(jlctl ota task edit ot --name "Spring" -o json | result_of) == updated ]]
  run --separate-stderr jlctl ota task delete ot --yes
  assert_error 4 in_use
  jlctl ota task stop ot
  [[ $(jlctl ota task delete ot --yes -o json | result_of) == deleted ]]
  [[ $(jlctl ota firmware delete of --yes -o json | result_of) == deleted ]]
  run jlctl ota firmware exists of
  [[ $status -eq 3 && -z $output ]]
  # What is configuration comes back from an export; a task is work, and does not.
  [[ $(jlctl ota firmware add of "${new[@]}" -o json | result_of) == created ]]
  jlctl ota task add ot --firmware of
  [[ $(jlctl export | grep -c 'kind: ota-') == 2 ]]
  [[ $(jlctl export | jlctl apply -f - -o json | jq -r .data.result) == unchanged ]]
}
