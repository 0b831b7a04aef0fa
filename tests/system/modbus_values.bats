#!/usr/bin/env bats
# Values of every type and order, every function and exception, with a slave of pymodbus; what was written is looked at
# with mbpoll as well, which was not written here either.
load helpers.bash
load modbus.bash

setup_file() {
  make_home
  port=$(free_port)
  # Registers 900 to 905: exceptions, the code is that of the address. 910: no function 22.
  start_slave plc "$port" --units 1,2 --refuse 0:901:1 --refuse 0:902:2 --refuse 0:903:3 --refuse 0:904:4 \
    --refuse 0:905:6 --refuse 0:906:11 --refuse 22:910:1 --refuse 16:920-930:1
  export port plc=tcp://127.0.0.1:$port
  start_daemon
}
teardown_file() {
  stop_slaves
  remove_home
}
teardown() { show_log; }

# What stands in registers, as mbpoll sees it: registers ADDRESS COUNT [UNIT] -> "1234 5678"
registers() {
  mbpoll -1 -0 -p "$port" -a "${3:-1}" -t 4:hex -r "$1" -c "$2" 127.0.0.1 |
    sed -nE 's/^\[[0-9]+\]:[[:space:]]+0x//p' | tr 'A-F\n' 'a-f ' | sed 's/ $//'
}
value() { jlctl modbus read "$plc" "$@" -o value=value; }

# Writes a value, and wants it back from jlctl and these registers from mbpoll: trip HEX VALUE ADDRESS FLAGS...
trip() {
  local hex=$1 wanted=$2 address=$3 words seen
  shift 3
  jlctl modbus write "$plc" "$address" "$wanted" "$@" -q || { echo "write $wanted $*"; return 1; }
  words=$(wc -w <<<"$hex")
  seen=$(registers "$address" "$words")
  [[ $seen == "$hex" ]] || { echo "$wanted $*: wanted $hex, there is $seen"; return 1; }
  seen=$(value "$address" "$@")
  [[ $seen == "$wanted" ]] || { echo "$wanted $*: reads as $seen"; return 1; }
}
# Rows of trip on standard input, of address 100: HEX|VALUE|FLAGS
trips() {
  local hex wanted flags
  while IFS='|' read -r hex wanted flags; do
    # shellcheck disable=SC2086  # several flags
    trip "$hex" "$wanted" 100 $flags
  done
}

@test "16 bits in both orders" {
  trips <<'EOF'
1234|4660|--type uint16
1234|4660|--type uint16 --order AB
3412|4660|--type uint16 --order BA
3412|4660|--type uint16 --order BADC
1234|4660|--type uint16 --order CDAB
3412|4660|--type uint16 --order DCBA
ffff|65535|--type uint16
fffe|-2|--type int16
feff|-2|--type int16 --order BA
8000|-32768|--type int16
7fff|32767|--type int16
1234|1234|--type bcd16
3412|1234|--type bcd16 --order BA
9999|9999|--type bcd16
0001|true|--type bool
0000|false|--type bool
EOF
}

@test "32 bits in all four orders" {
  trips <<'EOF'
1234 5678|305419896|--type uint32
1234 5678|305419896|--type uint32 --order ABCD
3412 7856|305419896|--type uint32 --order BADC
5678 1234|305419896|--type uint32 --order CDAB
7856 3412|305419896|--type uint32 --order DCBA
ffff ffff|4294967295|--type uint32
ffff fffe|-2|--type int32
fffe ffff|-2|--type int32 --order CDAB
8000 0000|-2147483648|--type int32
3f80 0000|1|--type float32
42f6 e979|123.456|--type float32
f642 79e9|123.456|--type float32 --order BADC
e979 42f6|123.456|--type float32 --order CDAB
79e9 f642|123.456|--type float32 --order DCBA
7f7f ffff|3.4028235e+38|--type float32
1234 5678|12345678|--type bcd32
5678 1234|12345678|--type bcd32 --order CDAB
EOF
}

@test "64 bits in all six orders, and in the four of shorter values" {
  trips <<'EOF'
1122 3344 5566 7788|1234605616436508552|--type uint64
1122 3344 5566 7788|1234605616436508552|--type uint64 --order ABCDEFGH
2211 4433 6655 8877|1234605616436508552|--type uint64 --order BADCFEHG
8877 6655 4433 2211|1234605616436508552|--type uint64 --order HGFEDCBA
7788 5566 3344 1122|1234605616436508552|--type uint64 --order GHEFCDAB
3344 1122 7788 5566|1234605616436508552|--type uint64 --order CDABGHEF
5566 7788 1122 3344|1234605616436508552|--type uint64 --order EFGHABCD
2211 4433 6655 8877|1234605616436508552|--type uint64 --order BADC
7788 5566 3344 1122|1234605616436508552|--type uint64 --order CDAB
8877 6655 4433 2211|1234605616436508552|--type uint64 --order DCBA
ffff ffff ffff ffff|18446744073709551615|--type uint64
ffff ffff ffff fffe|-2|--type int64
8000 0000 0000 0000|-9223372036854775808|--type int64
3ff0 0000 0000 0000|1|--type float64
0000 0000 0000 3ff0|1|--type float64 --order CDAB
4009 21fb 5444 2d18|3.141592653589793|--type float64 --order ABCD
EOF
}

@test "halves and bits of a register leave the rest of it alone" {
  jlctl modbus write "$plc" 100 4660
  trips <<'EOF'
12fe|-2|--type int8
fefe|-2|--type int8 --byte high
fe80|128|--type uint8 --byte low
ff80|255|--type uint8 --byte high
ff88|true|--type bit --bit 3
7f88|false|--type bit --bit 15
7f89|true|--type bit --bit 0
EOF
}

@test "text, bytes and several values at once" {
  trips <<'EOF'
4772 c3bc c39f 6500|Grüße|--type string --quantity 4
7247 bcc3 9fc3 0065|Grüße|--type string --quantity 4 --order BADC
0000 0000||--type string --quantity 2
dead beef|deadbeef|--type bytes --quantity 2
0001 0002 ffff|[1,2,65535]|--quantity 3
3fc0 0000 c010 0000|[1.5,-2.25]|--type float32 --quantity 4
0000 3fc0 0000 c010|[1.5,-2.25]|--type float32 --quantity 4 --order CDAB
EOF
  bits='[true,false,true,true,false,false,true,false,true,true]'
  jlctl modbus write "$plc" 200 "$bits" --function Coils --quantity 10
  [[ $(value 200 --function Coils --quantity 10) == "$bits" ]]
  seen=$(mbpoll -1 -0 -p "$port" -t 0 -r 200 -c 10 127.0.0.1 | sed -nE 's/^\[[0-9]+\]:[[:space:]]+//p' | paste -sd '')
  [[ $seen == 1011001011 ]]
}

@test "what mbpoll writes reads as the same" {
  mbpoll -1 -0 -B -p "$port" -t 4:float -r 300 127.0.0.1 123.456 -- -0.5
  [[ $(value 300 --type float32 --quantity 4) == "[123.456,-0.5]" ]]
  mbpoll -1 -0 -p "$port" -t 4:float -r 304 127.0.0.1 123.456
  [[ $(value 304 --type float32 --order CDAB) == 123.456 ]]
  mbpoll -1 -0 -B -p "$port" -t 4:int -r 306 127.0.0.1 -- -123456
  [[ $(value 306 --type int32) == -123456 ]]
  mbpoll -1 -0 -p "$port" -t 0 -r 310 127.0.0.1 1 0 1
  [[ $(value 310 --function Coils --quantity 3) == "[true,false,true]" ]]
}

@test "scale, offset and decimals both ways; what is out of range is not sent" {
  scaled=(--type int16 --scale 0.1 --offset -40 --decimals 1)
  trip 0267 21.5 400 "${scaled[@]}"
  trip ffff -40.1 400 "${scaled[@]}"
  jlctl modbus write "$plc" 400 21.54 "${scaled[@]}"
  [[ $(registers 400 1) == 0267 ]]
  trip 0064 1 400 --scale 0.01
  before=$(requests plc)
  while read -ra words; do
    run --separate-stderr jlctl modbus write "$plc" 400 "${words[@]}"
    assert_error 5 invalid || { echo "${words[*]}"; return 1; }
  done <<'EOF'
70000
-1
1.5e5
twelve
nan --type int16
32768 --type int16
3300 --type int16 --scale 0.1
10000 --type bcd16
-1 --type bcd16
4294967296 --type uint32
18446744073709551616 --type uint64
1e39 --type float32
256 --type uint8
2 --type bool
[1,2,3] --quantity 2
abcdef --type bytes --quantity 1
abc --type string --quantity 1
EOF
  [[ $(requests plc) == "$before" ]]
}

@test "every function is used where it belongs" {
  before=$(requests plc)
  used() { [[ $(requests plc 1 "$1" "$2") -ge 1 ]] || { echo "no function $1 at $2"; return 1; }; }
  [[ $(value 511 --function Coils) == true && $(value 512 --function DiscreteInputs) == false ]]
  [[ $(value 513) == 513 && $(value 514 --function InputRegisters) == 514 ]]
  jlctl modbus write "$plc" 521 true --function Coils --verify
  jlctl modbus write "$plc" 522 7 --verify
  jlctl modbus write "$plc" 523 true --function Coils --force-multiple
  jlctl modbus write "$plc" 524 7 --force-multiple
  jlctl modbus write "$plc" 525 7 --type int32
  used 1 511
  used 2 512
  used 3 513
  used 4 514
  used 5 521
  used 6 522
  used 15 523
  used 16 524
  used 16 525
  [[ $(requests plc) == $((before + 11)) ]]
}

@test "a bit of a register is written by function 22 where the point says so, else by reading first" {
  jlctl modbus channel add bits --host 127.0.0.1 --port "$port" --enabled
  jlctl modbus write "$plc" 600 3855
  jlctl modbus point add masked --channel bits --address 600 --type bit --bit 4 --mask-write --access read-write --enabled
  jlctl modbus point add read-first --channel bits --address 600 --type bit --bit 0 --access read-write --enabled
  jlctl modbus point write masked true --verify
  [[ $(registers 600 1) == 0f1f && $(requests plc 1 22 600) == 1 ]]
  jlctl modbus point write read-first false --verify
  [[ $(registers 600 1) == 0f1e && $(requests plc 1 22 600) == 1 ]]
  jlctl modbus point add no-mask --channel bits --address 910 --type bit --bit 4 --mask-write --access read-write --enabled
  run --separate-stderr jlctl modbus point write no-mask true
  assert_error 10 device_error
  [[ $stderr == *"illegal function (1)"* ]]
}

@test "exceptions are failures of the device, with unit, function, address and what the code means" {
  refused() {
    run --separate-stderr jlctl modbus read "$plc" "$1"
    assert_error 10 device_error
    [[ $stderr == *"unit 1, HoldingRegisters $1: $2"* ]] || { echo "$stderr"; return 1; }
  }
  refused 901 "illegal function (1)"
  refused 902 "illegal data address (2)"
  refused 903 "illegal data value (3)"
  refused 904 "server device failure (4)"
  refused 905 "server device busy (6)"
  refused 906 "gateway target device failed to respond (11)"
  run --separate-stderr jlctl modbus read "$plc" 898 --quantity 10 --unit 2
  assert_error 10 device_error
  run --separate-stderr jlctl modbus write "$plc" 902 1 -o json
  [[ $status -eq 10 && -z $output ]]
  jq -e '.error | .code == "device_error" and .exitCode == 10 and (.message | contains("illegal data address"))' <<<"$stderr"
  run --separate-stderr jlctl modbus write "$plc" 920 7 --type int32
  assert_error 10 device_error
}

@test "a broadcast reaches every unit, and nobody answers" {
  jlctl modbus write "$plc" 700 4711 --unit 0
  [[ $(registers 700 1 1) == 1267 && $(registers 700 1 2) == 1267 ]]
  nobody_answers() {
    for words in "read $plc 700" "write $plc 700 1 --verify" "write $plc 700 true --type bit --bit 1"; do
      # shellcheck disable=SC2086  # words
      run --separate-stderr jlctl modbus $words --unit 0
      assert_error 5 PARAMETER_ERROR
    done
  }
  without_traffic plc nobody_answers
}

@test "what --verify reads back is what the point holds: rounded" {
  jlctl modbus channel add checks --host 127.0.0.1 --port "$port" --enabled
  jlctl modbus point add narrow --channel checks --address 710 --scale 0.1 --decimals 1 --access read-write --enabled
  jlctl modbus point write narrow 12.34 --verify -o json | jq -e '.data.value == 12.3'
}
