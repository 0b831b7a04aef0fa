#!/usr/bin/env bats
# Other people's MQTT clients as applications of the server: mosquitto_pub and mosquitto_sub, paho for Python, MQTT.js.
load helpers.bash
load mqtt.bash

setup_file() {
  make_home
  start_daemon
  provision
  add_application app mqtt-1
  make_authority lab
  make_authority other
  make_certificate server lab serverAuth
  make_certificate client lab clientAuth
  make_certificate stranger other clientAuth
  jlctl cert add tls --key-file "$home/server.key" --cert-file "$home/server.crt"
  jlctl cert add mutual --key-file "$home/server.key" --cert-file "$home/server.crt" --trust-file "$home/lab.crt" \
    --authentication binomial
  tls_port=$(free_port)
  add_tls_network mqtt-tls "$tls_port" tls
  add_application tls-app mqtt-tls
  mutual_port=$(free_port)
  add_tls_network mqtt-mutual "$mutual_port" mutual
  add_application mutual-app mqtt-mutual
  export tls_port mutual_port
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_clients
}

versions="mqttv311 mqttv5"

@test "mosquitto: QoS 0, 1 and 2 go through in both versions, between versions as well" {
  for receiver in $versions; do
    follow "$receiver" -V "$receiver" -q 2 -t 'clients/qos/#'
  done
  local count=0
  for sender in $versions; do
    for qos in 0 1 2; do
      pub -V "$sender" -q "$qos" -t "clients/qos/$qos" -m "$sender"
      count=$((count + 1))
      for receiver in $versions; do
        until_true 10 has_messages "$receiver" "$count"
        [[ $(messages_of "$receiver" | tail -n 1) == "got clients/qos/$qos $qos 0 $sender" ]]
      done
    done
  done
}

@test "mosquitto: a subscription lowers the QoS" {
  follow low -q 0 -t clients/low
  pub -q 2 -t clients/low -m 1
  until_true 10 has_messages low 1
  [[ $(messages_of low) == "got clients/low 0 0 1" ]]
}

@test "mosquitto: a payload of the largest size arrives unchanged" {
  head -c 7000 /dev/urandom >"$BATS_TEST_TMPDIR/sent"
  pub -q 1 -r -t clients/large -f "$BATS_TEST_TMPDIR/sent"
  sub -q 1 -t clients/large -C 1 -N >"$BATS_TEST_TMPDIR/received"
  cmp "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/received"
  pub -q 1 -r -n -t clients/large
}

@test "mosquitto: retained messages come at once, the last one only, until they are cleared" {
  for version in $versions; do
    for value in 1 2; do pub -V "$version" -q 1 -r -t clients/retained/a -m "$value"; done
    pub -V "$version" -q 1 -r -t clients/retained/b -m 3
    run sub -V "$version" -q 1 -t 'clients/retained/+' -C 2 -F '%t %r %p'
    assert_success
    [[ $(sort <<<"$output") == $'clients/retained/a 1 2\nclients/retained/b 1 3' ]]
    pub -V "$version" -q 1 -r -n -t clients/retained/a
    pub -V "$version" -q 1 -r -n -t clients/retained/b
    run mosquitto_sub -h 127.0.0.1 -p "$mqtt_port" -u app -P secret-app -V "$version" -t 'clients/retained/+' -W 1
    [[ $status -eq 27 && $output != *clients* ]]
  done
}

@test "mosquitto: the will is sent for a client that is killed, not for one that leaves" {
  for version in $versions; do
    follow "watch-$version" -V "$version" -q 1 -t "clients/will/$version"
    follow "dying-$version" -V "$version" -t clients/none --will-topic "clients/will/$version" \
      --will-payload gone --will-qos 1
    kill -KILL "$last_client"
    until_true 10 has_messages "watch-$version" 1
    [[ $(messages_of "watch-$version") == "got clients/will/$version 1 0 gone" ]]
    pub -V "$version" -t clients/none -m x --will-topic "clients/will/$version" --will-payload "not this"
    pub -V "$version" -q 1 -t "clients/will/$version" -m end
    until_true 10 has_messages "watch-$version" 2
    [[ $(messages_of "watch-$version" | tail -n 1) == *" end" ]]
  done
}

@test "mosquitto: a persistent session keeps QoS 1 and 2 messages in order" {
  for version in $versions; do
    session=(-V "$version" -i "keeps-$version" -c -q 2 -t "clients/session/$version")
    [[ $version != mqttv5 ]] || session+=(-x 300)
    sub "${session[@]}" -E
    for qos in 1 2; do
      for value in 1 2; do pub -q "$qos" -t "clients/session/$version" -m "$qos-$value"; done
    done
    run sub "${session[@]}" -C 4 -F '%p'
    assert_success
    [[ $output == $'1-1\n1-2\n2-1\n2-2' ]]
  done
}

@test "mosquitto: sessions, retained and stored messages survive kill -9 of the daemon" {
  sub -i survivor -c -q 2 -t clients/survives -E
  pub -q 1 -r -t clients/kept -m retained
  for value in 1 2 3; do pub -q 2 -t clients/survives -m "$value"; done
  stop_daemon KILL
  start_daemon
  run sub -i survivor -c -q 2 -t clients/survives -C 3 -F '%p'
  assert_success
  [[ $output == $'1\n2\n3' ]]
  [[ $(sub -q 1 -t clients/kept -C 1 -F '%r %p') == "1 retained" ]]
  pub -q 1 -r -n -t clients/kept
}

@test "QoS 2 is exactly once across kill -9, both ways, and what was in flight comes again as it was [MQTT-4.3.3, MQTT-4.4.0-1]" {
  exchanges() {
    "$JL_SOURCE/tests/system/mqtt_kill.py" "$1" "$mqtt_port" app "$home/password-app" "$BATS_TEST_TMPDIR/state"
  }
  run exchanges before
  assert_success
  stop_daemon KILL
  start_daemon
  run exchanges after
  assert_success
}

@test "mosquitto: a shared subscription gives each message to one member" {
  follow one -V mqttv5 -q 1 -t "\$share/team/clients/shared"
  follow two -V mqttv5 -q 1 -t "\$share/team/clients/shared"
  follow all -V mqttv5 -q 1 -t clients/shared
  seq 1 20 | pub -V mqttv5 -q 1 -t clients/shared -l
  until_true 10 has_messages all 20
  both_have_all() { [[ $(messages_of one | wc -l) -gt 0 && $({ messages_of one; messages_of two; } | wc -l) -ge 20 ]]; }
  until_true 10 both_have_all
  [[ $({ messages_of one; messages_of two; } | sort | uniq -d | wc -l) -eq 0 ]]
  [[ $({ messages_of one; messages_of two; } | sort) == $(messages_of all | sort) ]]
}

@test "mosquitto: properties of MQTT 5 arrive" {
  stdbuf -oL mosquitto_sub -h 127.0.0.1 -p "$mqtt_port" -u app -P secret-app -W 20 -V mqttv5 -q 1 -t clients/props \
    -d -C 1 -F 'got %C|%R|%D|%P|%E|%F|%p' >"$BATS_TEST_TMPDIR/props" 2>&1 3>&- &
  clients+=($!)
  until_true 10 grep -q SUBACK "$BATS_TEST_TMPDIR/props"
  pub -V mqttv5 -q 1 -t clients/props -m body -D publish content-type text/plain \
    -D publish response-topic clients/answer -D publish correlation-data abc \
    -D publish user-property b 1 -D publish user-property a 2 \
    -D publish message-expiry-interval 100 -D publish payload-format-indicator 1
  until_true 10 has_messages props 1
  messages_of props
  [[ $(messages_of props) =~ ^got\ text/plain\|clients/answer\|abc\|b:1\ a:2\|(100|99)\|1\|body$ ]]
}

@test "mosquitto: wrong password, unknown user and anonymous clients are refused" {
  for login in "-u app -P wrong" "-u nobody -P secret-app" ""; do
    for version in $versions; do
      # shellcheck disable=SC2086  # words of a command
      run mosquitto_pub -h 127.0.0.1 -p "$mqtt_port" -V "$version" $login -t clients/refused -m x
      [[ $status -ne 0 ]] || { echo "accepted: $version $login"; return 1; }
    done
  done
}

@test "mosquitto: TLS with the right authority works, in both versions" {
  for version in $versions; do
    mosquitto_pub -h localhost -p "$tls_port" -u tls-app -P secret-tls-app --cafile "$home/lab.crt" -V "$version" \
      -q 1 -r -t clients/tls -m "$version"
    [[ $(mosquitto_sub -h 127.0.0.1 -p "$tls_port" -u tls-app -P secret-tls-app --cafile "$home/lab.crt" -V "$version" \
      -q 1 -t clients/tls -C 1 -W 20) == "$version" ]]
  done
}

@test "mosquitto: another authority, another host name and no TLS at all do not work" {
  login=(-p "$tls_port" -u tls-app -P secret-tls-app -t clients/tls -m x)
  run mosquitto_pub -h localhost "${login[@]}" --cafile "$home/other.crt"
  [[ $status -ne 0 ]]
  run mosquitto_pub -h 127.0.0.2 "${login[@]}" --cafile "$home/lab.crt"
  [[ $status -ne 0 ]]
  run timeout 15 mosquitto_pub -h localhost "${login[@]}"
  [[ $status -ne 0 ]]
  mosquitto_pub -h localhost "${login[@]}" --cafile "$home/lab.crt"
}

@test "mosquitto: mutual TLS wants a certificate of the right authority" {
  login=(-h localhost -p "$mutual_port" -u mutual-app -P secret-mutual-app --cafile "$home/lab.crt" -q 1
    -t clients/mutual)
  own=(--cert "$home/client.crt" --key "$home/client.key")
  mosquitto_pub "${login[@]}" "${own[@]}" -r -m 1
  [[ $(mosquitto_sub "${login[@]}" "${own[@]}" -C 1 -W 20) == 1 ]]
  run timeout 15 mosquitto_pub "${login[@]}" -m 2
  [[ $status -ne 0 ]]
  run timeout 15 mosquitto_pub "${login[@]}" --cert "$home/stranger.crt" --key "$home/stranger.key" -m 2
  [[ $status -ne 0 ]]
}

@test "mosquitto: a renewed certificate is used for new connections, open ones stay" {
  make_certificate renewed lab serverAuth
  follow_tls() {
    stdbuf -oL mosquitto_sub -h localhost -p "$tls_port" -u tls-app -P secret-tls-app --cafile "$home/lab.crt" \
      -W 60 -d -F 'got %p' -t clients/renewed >"$BATS_TEST_TMPDIR/open" 2>&1 3>&- &
    clients+=($!)
    until_true 10 grep -q SUBACK "$BATS_TEST_TMPDIR/open"
  }
  subject() { openssl s_client -connect "localhost:$tls_port" </dev/null 2>/dev/null | openssl x509 -noout -subject; }
  follow_tls
  [[ $(subject) == *server* ]]
  jlctl cert renew tls --key-file "$home/renewed.key" --cert-file "$home/renewed.crt"
  is_renewed() { [[ $(subject) == *renewed* ]]; }
  until_true 10 is_renewed
  mosquitto_pub -h localhost -p "$tls_port" -u tls-app -P secret-tls-app --cafile "$home/lab.crt" -q 1 \
    -t clients/renewed -m 1
  until_true 10 has_messages open 1
  [[ $(grep -c 'sending CONNECT' "$BATS_TEST_TMPDIR/open") -eq 1 ]]
}

@test "mosquitto: TLS with a self-signed certificate that the daemon made" {
  jlctl cert generate gen --san localhost,127.0.0.1
  local port
  port=$(free_port)
  add_tls_network mqtt-gen "$port" gen
  add_application gen-app mqtt-gen
  openssl s_client -connect "localhost:$port" </dev/null 2>/dev/null | openssl x509 >"$BATS_TEST_TMPDIR/ca"
  mosquitto_pub -h localhost -p "$port" -u gen-app -P secret-gen-app --cafile "$BATS_TEST_TMPDIR/ca" \
    -q 1 -t clients/gen -m 1
}

@test "paho for Python: everything in 3.1.1 and 5, with TLS as well" {
  run "$JL_SOURCE/tests/system/paho_client.py" "$mqtt_port" app secret-app
  assert_success
  run "$JL_SOURCE/tests/system/paho_client.py" "$tls_port" tls-app secret-tls-app "$home/lab.crt"
  assert_success
}

@test "MQTT.js: everything in 3.1.1 and 5, with TLS as well" {
  run env NODE_PATH=/usr/share/nodejs node "$JL_SOURCE/tests/system/mqttjs_client.js" "$mqtt_port" app secret-app
  assert_success
  run env NODE_PATH=/usr/share/nodejs node "$JL_SOURCE/tests/system/mqttjs_client.js" "$tls_port" tls-app \
    secret-tls-app "$home/lab.crt"
  assert_success
}
