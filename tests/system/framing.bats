#!/usr/bin/env bats
# jlctl network frame-test, and scripts that cut or misbehave.
load helpers.bash
load transports.bash

setup_file() {
  make_home
  start_daemon
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_devices
}

frames() { jlctl network frame-test "$@" -o json | jq -c '[.data.items[].frames[]]'; }

@test "the worked examples of every rule (network.md 2.7)" {
  [[ $(frames "68 00 03 AA" "BB CC 68 00 00 68 00 01 DD 68 00" --parser-type length --offset 1 --length 2) == '["68 00 03 AA BB CC","68 00 00","68 00 01 DD"]' ]]
  [[ $(frames 05000000313233 34350200000041 42 --parser-type length --little) == '["05 00 00 00 31 32 33 34 35","02 00 00 00 41 42"]' ]]
  [[ $(frames "41 42 0D" "0A 0D 0A 43 0D 44 0D 0A" --parser-type delimited --delimited '\r\n') == '["41 42","","43 0D 44"]' ]]
  [[ $(frames "31 40 40 40 32 40 40" --parser-type delimited --delimited @@) == '["31","40 32"]' ]]
  [[ $(frames 313233 34353637 383930 --parser-type fixed --size 5) == '["31 32 33 34 35","36 37 38 39 30"]' ]]
  [[ $(frames 0102 03 --parser-type direct) == '["01 02","03"]' ]]
}

@test "a script cuts as in JetLinks (network.md 2.7 D)" {
  echo 'parser.fixed(4).handler((b,p)=>{p.fixed(b.getInt(0));}).handler((b,p)=>{p.result(b).complete();});' >"$home/d.js"
  [[ $(frames "00 00 00 05 31 32 33 34" "35 00 00 00 06 31 32 33 34" "35 36" --parser-type script --script-file "$home/d.js") == '["31 32 33 34 35","31 32 33 34 35 36"]' ]]
}

@test "the table shows what is kept for the next read" {
  run jlctl network frame-test "00 00 00 02 41" --parser-type length
  assert_success
  [[ $output == *KEPT* && $output == *5* ]]
}

@test "rules that cannot be followed are refused with the key at fault (5), also when a component is added" {
  run --separate-stderr jlctl network frame-test 00 --parser-type length --length 5
  [[ $status -eq 5 && -z $output && $stderr == *"illegal length:5"* ]]
  run --separate-stderr jlctl network frame-test 00 --parser-type delimited --delimited 结
  [[ $status -eq 5 && $stderr == *0x* ]]
  run --separate-stderr jlctl network add bad --type tcp-server --port "$(free_port)" --parser-type fixed
  [[ $status -eq 5 && $stderr == *parserConfiguration.size* ]]
  echo 'parser.fixed(4).handler(' >"$home/bad.js"
  run --separate-stderr jlctl network add bad --type tcp-server --port "$(free_port)" --parser-type script --script-file "$home/bad.js"
  [[ $status -eq 5 && $stderr == *script*1* ]]
  run jlctl network exists bad
  [[ $status -eq 3 ]]
}

@test "hex that is none is refused (2 or 5)" {
  run --separate-stderr jlctl network frame-test 0x0 --parser-type direct
  [[ $status -ne 0 && -z $output ]]
  run --separate-stderr jlctl network frame-test zz --parser-type direct
  [[ $status -ne 0 && -z $output ]]
}

@test "a script that loops, allocates or recurses without end costs its own connection; others are served on" {
  local port name good_port
  good_port=$(free_port)
  open_door good TCP_SERVER tcp-server-gateway "port: $good_port, parserType: length"
  add_device dev-1 good secureKey=s3cret
  run_device good "$JL_SOURCE/tests/system/binary_device.py" tcp "$good_port" dev-1 s3cret 5
  hears good "ack 0"
  echo 'parser.fixed(1).handler(b => { for (;;) {} });' >"$home/loop.js"
  echo 'var all = []; parser.fixed(1).handler(b => { for (;;) all.push(new Array(10000).fill("x" + all.length)); });' >"$home/arrays.js"
  echo 'var s = "x"; parser.fixed(1).handler(b => { for (;;) { s += s; s.charCodeAt(s.length - 1); } });' >"$home/strings.js"
  echo 'function f(n) { return f(n + 1) + 1; } parser.fixed(1).handler(b => f(0));' >"$home/recursion.js"
  echo 'parser.fixed(1).handler(b => { throw {get message() { throw 1; }}; });' >"$home/throws.js"
  for name in loop arrays strings recursion throws; do
    port=$(free_port)
    jlctl network add "bad-$name" --type tcp-server --host 127.0.0.1 --port "$port" --parser-type script --script-file "$home/$name.js"
    jlctl gateway add "gw-$name" --provider tcp-server-gateway --network "bad-$name" --protocol official
    printf x | timeout 30 nc -w 20 127.0.0.1 "$port"
    jlctl network show "bad-$name" -o json | jq -e '.data.status.counters.protocolErrors == 1'
  done
  obeys dev-1
  # Less than 400 MiB whatever they tried.
  [[ $(awk '/VmRSS/ { print $2 }' "/proc/$(daemon_pid)/status") -lt 409600 ]]
}
