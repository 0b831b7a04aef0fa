#!/usr/bin/env bats
# Modbus over other lines than TCP: RTU on a serial line (a pair of ptys), RTU over TCP, and TLS.
load helpers.bash
load modbus.bash
load mqtt.bash # certificates

setup_file() {
  make_home
  start_daemon
}
teardown_file() {
  stop_slaves
  remove_home
}
teardown() { show_log; }

# Two ends of a serial line, $home/slave-end and $home/master-end: start_line
start_line() {
  socat -d -d "pty,raw,echo=0,link=$home/slave-end" "pty,raw,echo=0,link=$home/master-end" 2>"$home/words-line" 3>&- &
  echo $! >"$home/slave-line"
  until_true 10 test -e "$home/master-end" -a -e "$home/slave-end"
}
# What an attempt that failed says: fails_with CHANNEL WORDS
says() { [[ $(channel_status "$1" reason) == *"$2"* ]]; }
fails_with() { until_true 20 says "$1" "$2" || { channel_status "$1" reason; return 1; }; }

@test "RTU on a serial line: polled, read, written, with units that do not answer; mbpoll sees the same" {
  start_line
  start_slave plc --serial "$home/slave-end" --baud 115200 --units 1,7 --refuse 3:50:2
  jlctl modbus channel add line --transport rtu --device "$home/master-end" --baud-rate 115200 --request-timeout 300 --enabled
  add_points line 200 100 109
  add_points line 200 200 200 7
  becomes_good line
  right_values line
  [[ $(channel_status line address) == "rtu://$home/master-end" ]]
  jlctl modbus write line 300 -12.5 --type float32 --verify
  jlctl modbus write line 305 true --function Coils --unit 7
  [[ $(jlctl modbus read line 305 --function Coils --unit 7 -o value=value) == true ]]
  run --separate-stderr jlctl modbus read line 50
  assert_error 10 device_error
  run --separate-stderr jlctl modbus read line 1 --unit 9
  assert_error 8 timeout
  becomes_good line
  jlctl modbus scan line --units 6-8 --timeout-ms 200 -o jsonl | jq -es 'map(.unit) == [7]'
  # One user of a line at a time.
  run --separate-stderr jlctl modbus channel add twin --transport rtu --device "$home/master-end" --enabled
  assert_error 4 in_use
  jlctl modbus channel disable line --yes
  mbpoll -m rtu -b 115200 -P none -1 -0 -B -t 4:float -r 300 "$home/master-end" | grep -qE '^\[300\]:[[:space:]]+-12.5$'
  mbpoll -m rtu -b 115200 -P none -1 -0 -B -t 4:float -r 300 "$home/master-end" 7.75
  jlctl modbus channel enable line
  becomes_good line
  [[ $(jlctl modbus read line 300 --type float32 -o value=value) == 7.75 ]]
  [[ $(jlctl modbus read "rtu://$home/master-end?baud=115200" 7 -o value=value || true) != 8 ]]
}

@test "a serial line that goes away is opened again when it is back" {
  stop_slave plc
  has_status line-100 quality bad
  stop_slave line
  has_channel_status line state failed
  start_line
  start_slave plc --serial "$home/slave-end" --baud 115200 --units 1,7
  becomes_good line 40
  right_values line
  jlctl modbus channel disable line --yes
}

@test "a serial device that cannot be one is said as such" {
  jlctl modbus channel add none --transport rtu --device "$home/nowhere" --enabled
  fails_with none "o such file"
  touch "$home/file"
  jlctl modbus channel add file --transport rtu --device "$home/file" --enabled
  fails_with file "no serial device"
  jlctl modbus channel disable none file --yes
}

@test "RTU over TCP with a slave of pymodbus" {
  port=$(free_port)
  start_slave far "$port" --rtu --units 1,2
  jlctl modbus channel add far --transport rtu-over-tcp --host 127.0.0.1 --port "$port" --enabled
  add_points far 100 100 109
  add_points far 100 300 300 2
  becomes_good far
  right_values far
  for row in "uint16 65535" "float64 2.5" "int32 -3" "string abc --quantity 2"; do
    # shellcheck disable=SC2086  # words
    set -- $row
    jlctl modbus write far 400 "$2" --type "$1" "${@:3}" --verify
  done
  jlctl modbus write far 410 '[true,true,false]' --function Coils --quantity 3 --verify
  jlctl modbus write far 420 9 --force-multiple
  [[ $(jlctl modbus read "rtu-over-tcp://127.0.0.1:$port" 420 -o value=value) == 9 ]]
  stop_slave far
  has_status far-100 quality bad
  start_slave far "$port" --rtu --units 1,2
  becomes_good far 30
  [[ $(connections far) == 1 ]]
}

@test "TLS: trusted through a cert or not at all, under the right name unless told otherwise" {
  make_authority lab
  make_authority other
  make_certificate server lab serverAuth
  make_certificate client lab clientAuth
  jlctl cert add lab --mode client --trust-file "$home/lab.crt"
  jlctl cert add foreign --mode client --trust-file "$home/other.crt"
  port=$(free_port)
  start_slave safe "$port" --tls "$home/server.crt" "$home/server.key"
  jlctl modbus channel add safe --transport tls --host 127.0.0.1 --port "$port" --cert lab --enabled
  add_points safe 100 100 109
  becomes_good safe
  right_values safe
  [[ $(channel_status safe address) == "tls://127.0.0.1:$port" ]]
  jlctl modbus write safe 300 -12.5 --type float32 --verify
  [[ $(jlctl modbus read "tls://127.0.0.1:$port?certId=lab" 7 -o value=value) == 7 ]]
  for wrong in "foreign --cert foreign" "system "; do
    # shellcheck disable=SC2086  # words
    jlctl modbus channel add $wrong --transport tls --host 127.0.0.1 --port "$port" --enabled
    fails_with "${wrong%% *}" certificate
  done
  run --separate-stderr jlctl modbus read "tcp://127.0.0.1:$port" 7
  [[ $status -eq 1 || $status -eq 8 ]]
}

@test "TLS under a wrong name is refused, with the name, and taken with --no-verify-host" {
  openssl x509 -req -in "$home/server.csr" -CA "$home/lab.crt" -CAkey "$home/lab.key" -CAcreateserial -days 30 \
    -extfile <(printf 'subjectAltName=DNS:plc.example\n') -out "$home/misnamed.crt" 2>"$home/openssl.log"
  port=$(free_port)
  start_slave misnamed "$port" --tls "$home/misnamed.crt" "$home/server.key"
  jlctl modbus channel add misnamed --transport tls --host 127.0.0.1 --port "$port" --cert lab --enabled
  add_points misnamed 100 100 100
  fails_with misnamed certificate
  jlctl modbus channel edit misnamed --no-verify-host
  becomes_good misnamed
}

@test "TLS with a certificate of the client's" {
  port=$(free_port)
  start_slave mutual "$port" --tls "$home/server.crt" "$home/server.key" --clients "$home/lab.crt"
  jlctl cert add shown --mode client --authentication binomial --trust-file "$home/lab.crt" \
    --key-file "$home/client.key" --cert-file "$home/client.crt"
  jlctl modbus channel add mutual --transport tls --host 127.0.0.1 --port "$port" --cert lab --enabled
  add_points mutual 100 100 109
  has_channel_status mutual state failed
  jlctl modbus channel edit mutual --cert shown
  becomes_good mutual
  grep -qx 'client client' "$home/words-mutual"
}

@test "a slave that wants a certificate says so, where it does" {
  port=$(free_port)
  mkfifo "$home/typed" # without an end
  openssl s_server -accept "127.0.0.1:$port" -cert "$home/server.crt" -key "$home/server.key" -CAfile "$home/lab.crt" \
    -Verify 1 -quiet >"$home/words-strict" 2>&1 <>"$home/typed" 3>&- &
  echo $! >"$home/slave-strict"
  jlctl modbus channel add strict --transport tls --host 127.0.0.1 --port "$port" --cert lab --enabled
  add_points strict 100 1 1
  fails_with strict "refused by the peer: certificate required"
}
