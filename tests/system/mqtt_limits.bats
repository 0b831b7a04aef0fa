#!/usr/bin/env bats
# What clients of an MQTT server can make it hold is bounded, refused in the protocol's own words, counted and logged,
# and everyone else is served; and what people can see and do there: network clients, kick, sub and pub.
load helpers.bash
load mqtt.bash

setup_file() {
  make_home
  start_daemon
  provision dev-1
  add_application app mqtt-1
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_clients
}

# limits SCENARIO [arguments]: limits_client.py against $mqtt_port
limits() { "$JL_SOURCE/tests/system/limits_client.py" "$mqtt_port" app secret-app "$@"; }
counter() { jlctl network show mqtt-1 -o value="status.counters.$1"; }
status_of() { jlctl network show mqtt-1 -o value="status.$1"; }
log_lines() { jlctl log system --level WARN --grep "$1" -o json | jq '.data.items | length'; }
has_counted() { [[ $(counter "$1") -ge $2 ]]; }

# Starts a client with a session that stays until it is thrown out: stay ID
stay() {
  limits stay "$1" >"$BATS_TEST_TMPDIR/$1" 2>&1 3>&- &
  clients+=($!)
  until_true 10 grep -q there "$BATS_TEST_TMPDIR/$1"
}

@test "retained messages at the limit: one more is refused with 0x97, replacing and deleting go on" {
  jlctl network edit mqtt-1 --max-retained-messages 100
  before=$(counter retainedRefused)
  limits retained 100 limits/retained
  [[ $(counter retainedRefused) -ge $((before + 4)) && $(status_of retained) == 0 ]]
  jlctl network edit mqtt-1 --unset configuration.maxRetainedMessages
}

@test "10,000 retained topics are kept by default, and not one more" {
  [[ $(jlctl network show mqtt-1 -o value=spec.configuration.maxRetainedMessages) =~ ^(10000|)$ ]]
  limits retained 10000 limits/many
  [[ $(status_of retained) == 0 ]]
}

@test "an offline queue at its limit keeps the oldest, counts what it drops, says so once, and others get everything" {
  jlctl network edit mqtt-1 --max-queued-messages 20
  before=$(counter dropped)
  said=$(log_lines "queue full")
  dropped=$(limits queue 20)
  [[ $(counter dropped) -eq $((before + dropped)) ]]
  # A line for the first, then at most one per period with the number of those between.
  (($(log_lines "queue full") > said && $(log_lines "queue full") <= said + 2))
  jlctl log system --level WARN --grep "queue full" -o json | jq -e '.data.items[0] | tostring | test("limit=20")'
  jlctl network edit mqtt-1 --unset configuration.maxQueuedMessages
}

@test "a client that never reads is closed and counted, another one gets everything" {
  before=$(counter slowConsumers)
  limits slow 12
  until_true 10 has_counted slowConsumers $((before + 1))
  [[ $(counter slowConsumers) -eq $((before + 1)) && $(log_lines "unsent bytes over the limit") -ge 1 ]]
}

@test "as many filters as a client may have, all wildcards, and topics of 500 levels slow nobody down" {
  limits filters 64
  publish dev-1 properties/report '{"properties":{"temp":1.5}}'
  [[ $(jlctl device state dev-1 -o value=properties.temp.value) == 1.5 ]]
}

@test "no more sessions than may stay: others are refused, clean ones and known ones are served" {
  [[ $(status_of sessions) == 0 ]]
  jlctl network edit mqtt-1 --max-sessions 3
  limits sessions 3
  [[ $(status_of sessions) == 0 ]]
  jlctl network edit mqtt-1 --unset configuration.maxSessions
}

@test "clients are sent to another server, for now or for good, and back when that is over" {
  jlctl network edit mqtt-1 --server-reference other.example:1883
  limits redirect 9c other.example:1883
  jlctl network edit mqtt-1 --server-moved
  limits redirect 9d other.example:1883
  run publish dev-1 properties/report '{"properties":{"temp":2}}'
  [[ $status -ne 0 ]]
  jlctl network edit mqtt-1 --unset configuration.serverReference --unset configuration.serverMoved
  publish dev-1 properties/report '{"properties":{"temp":2}}'
}

@test "network clients: devices and applications, connected and away, one of them with its filters" {
  stay there
  jlctl network clients mqtt-1 -o json >"$BATS_TEST_TMPDIR/all"
  jq -e '.data.items[] | select(.clientId == "there") | .role == "application" and .connected and .persistent
    and .version == "5.0" and .subscriptions == 2 and .sessionExpiry == 600 and (.address | test("^127.0.0.1:"))
    and (has("filters") | not) and (has("tlsSubject") | not)' "$BATS_TEST_TMPDIR/all"
  jlctl network clients mqtt-1 there -o json |
    jq -e '.data.items | length == 1 and (.[0].filters | sort) == ["limits/stay/+", "limits/x"]'
  sub -i away -c -q 1 -t limits/away -E
  pub -q 1 -t limits/away -m 1
  jlctl network clients mqtt-1 away -o json |
    jq -e '.data.items[0] | (.connected | not) and .queued == 1 and (has("address") | not) and .persistent'
  jlctl network clients mqtt-1 | grep -q there
  [[ $(jlctl network clients mqtt-1 --limit 1 -o json | jq '.data.items | length') == 1 ]]
  [[ $(jlctl network clients mqtt-1 -o jsonl | jq -r .clientId | sort | xargs) == *"away"*"there"* ]]
  run --separate-stderr jlctl network clients mqtt-1 nobody
  assert_error 3 not_found
  run --separate-stderr jlctl network clients nosuch
  assert_error 3 not_found
  jlctl network add off --type mqtt-server --host 127.0.0.1 --port "$(free_port)" --disabled
  run --separate-stderr jlctl network clients off
  [[ $status -ne 0 && -z $output && $stderr == *"error[not_running]"* ]]
  for verb in "kick off x --yes" "sub off x" "pub off x y"; do
    # shellcheck disable=SC2086  # words of a command
    run --separate-stderr jlctl network $verb
    [[ $status -ne 0 && -z $output && $stderr == *"error[unsupported]"* ]]
  done
  for id in away there; do jlctl network kick mqtt-1 "$id" --forget --yes; done
}

@test "network kick: closes the connection, keeps or ends the session" {
  stay kicked
  [[ $(jlctl network kick mqtt-1 kicked --yes -o json | jq -r '.data.result + " " + .data.id') == "deleted kicked" ]]
  until_true 10 grep -q '^out 0x98' "$BATS_TEST_TMPDIR/kicked"
  jlctl network clients mqtt-1 kicked -o json | jq -e '.data.items[0].connected | not'
  jlctl network kick mqtt-1 kicked --forget --yes
  run --separate-stderr jlctl network clients mqtt-1 kicked
  assert_error 3 not_found
  run --separate-stderr jlctl network kick mqtt-1 kicked --yes
  assert_error 3 not_found
  run --separate-stderr jlctl network kick mqtt-1 kicked </dev/null
  [[ $status -ne 0 && -z $output ]]
  run --separate-stderr jlctl network kick mqtt-1
  [[ $status -eq 2 ]]
}

@test "network pub: text, a file, standard input, bytes, QoS and retain, and what it must not" {
  follow heard -q 2 -t 'limits/pub/#'
  jlctl network pub mqtt-1 limits/pub/a hello -o json |
    jq -e '.data.result == "created" and .data.id == "limits/pub/a" and .data.subscribers'
  jlctl network pub mqtt-1 limits/pub/b again --qos 1
  printf 'from a file' >"$BATS_TEST_TMPDIR/payload"
  jlctl network pub mqtt-1 limits/pub/c --file "$BATS_TEST_TMPDIR/payload" --qos 2
  printf 'from standard input' | jlctl network pub mqtt-1 limits/pub/d -f -
  jlctl network pub mqtt-1 limits/pub/e
  until_true 10 has_messages heard 5
  [[ $(messages_of heard) == "got limits/pub/a 0 0 hello
got limits/pub/b 1 0 again
got limits/pub/c 2 0 from a file
got limits/pub/d 0 0 from standard input
got limits/pub/e 0 0 " ]]
  head -c 300 /dev/urandom >"$BATS_TEST_TMPDIR/bytes"
  jlctl network pub mqtt-1 limits/pub/bytes -f "$BATS_TEST_TMPDIR/bytes" --retain --qos 1
  sub -q 1 -t limits/pub/bytes -C 1 -N >"$BATS_TEST_TMPDIR/received"
  cmp "$BATS_TEST_TMPDIR/bytes" "$BATS_TEST_TMPDIR/received"
  jlctl network pub mqtt-1 limits/pub/bytes --retain
  [[ $(status_of retained) == 0 ]]
  [[ $(jlctl network pub mqtt-1 limits/nobody x -o json | jq .data.subscribers) == false ]]
  for topic in 'a/#' 'a/+/b' ''; do
    run --separate-stderr jlctl network pub mqtt-1 "$topic" x
    [[ ($status -eq 5 || $status -eq 2) && -z $output ]] || { echo "\"$topic\": $status $stderr"; return 1; }
  done
  run --separate-stderr jlctl network pub mqtt-1 /device/sensor/dev-1/properties/report x
  [[ $status -ne 0 && $stderr == *"error[denied]"* ]]
  for wrong in "--qos 3" "--file $BATS_TEST_TMPDIR/payload"; do
    # shellcheck disable=SC2086  # words of a command
    run --separate-stderr jlctl network pub mqtt-1 limits/pub/a x $wrong
    [[ $status -eq 2 ]]
  done
  run --separate-stderr jlctl network pub nosuch limits/pub/a x
  assert_error 3 not_found
  jlctl network edit mqtt-1 --max-retained-messages 0
  run --separate-stderr jlctl network pub mqtt-1 limits/pub/a x --retain
  assert_error 4 conflict
  jlctl network edit mqtt-1 --unset configuration.maxRetainedMessages
}

@test "network sub: retained first, then live, text and bytes, until its limit" {
  jlctl network pub mqtt-1 limits/sub/kept before --retain --qos 1
  jlctl network sub mqtt-1 'limits/sub/#' --limit 3 -o jsonl >"$BATS_TEST_TMPDIR/sub" 3>&- &
  local tail=$!
  has_lines() { [[ $(wc -l <"$BATS_TEST_TMPDIR/sub") -ge $1 ]]; }
  until_true 10 has_lines 1
  pub -q 1 -t limits/sub/text -m 'grüße'
  printf '\xff\x00\x01' | pub -q 0 -t limits/sub/bytes -s
  wait "$tail"
  jq -s -e 'length == 3 and .[0].retained and .[0].payload == "before" and .[0].topic == "limits/sub/kept"
    and .[0].qos == 1
    and (.[1] | (has("retained") | not) and .payload == "grüße" and .qos == 1)
    and (.[2] | .payloadBase64 == "/wAB" and (has("payload") | not)) 
    and all(.[]; .time | type == "string")' "$BATS_TEST_TMPDIR/sub"
  # What a device reports is heard below /device/.
  jlctl network sub mqtt-1 '/device/sensor/#' --limit 1 -o jsonl >"$BATS_TEST_TMPDIR/device" 3>&- &
  tail=$!
  reports_until_heard() {
    publish dev-1 properties/report '{"properties":{"temp":3.5}}'
    [[ -s $BATS_TEST_TMPDIR/device ]]
  }
  until_true 10 reports_until_heard
  wait "$tail"
  jq -e '.topic | startswith("/device/sensor/dev-1/")' "$BATS_TEST_TMPDIR/device"
  jlctl network pub mqtt-1 limits/sub/kept --retain
  for filter in 'a/#/b' 'a+' "\$share/g/a"; do
    run --separate-stderr jlctl network sub mqtt-1 "$filter" --limit 1
    [[ ($status -eq 5 || $status -eq 2) && -z $output ]] || { echo "$filter: $status $stderr"; return 1; }
  done
  run --separate-stderr jlctl network sub nosuch x --limit 1
  assert_error 3 not_found
}

@test "after all this nothing is left over, and the daemon ends as it should" {
  until_true 10 is_empty
  stop_daemon
  tail -n 1 "$daemon_log" | grep -q 'app: stopped'
  start_daemon
  is_empty
}
is_empty() {
  jlctl network show mqtt-1 -o json |
    jq -e '.data.status | .clients == 0 and .sessions == 0 and .retained == 0' >/dev/null
}
