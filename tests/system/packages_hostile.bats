#!/usr/bin/env bats
# Packages that were written to do harm: refused when they come, contained when they run.
load helpers.bash
load transports.bash
load packages.bash

setup_file() {
  make_home
  # One thread for all connections: what a program takes, it takes from all.
  write_config <<<'threads: 1'
  start_daemon
  provision dev-1
  provision_package meter
  mkdir "$home/archives"
  "$JL_SOURCE/tests/system/hostile_packages.py" "$home/archives"
  write_hostile "$home/hostile"
  jlctl protocol pack "$home/hostile" -f "$home/hostile.zip"
  hostile_port=$(free_port)
  export hostile_port
  cat >"$home/hostile.yaml" <<END
kind: network
id: hostile-tcp
spec: {type: TCP_SERVER, configuration: {port: $hostile_port, parserType: DELIMITED, parserConfiguration: {delimited: "0x0A"}}}
---
kind: protocol
id: hostile
spec: {type: jar, configuration: {fileId: {fromFile: hostile.zip}}}
---
kind: gateway
id: hostile-gateway
spec: {provider: tcp-server-gateway, channelId: hostile-tcp, protocol: hostile}
---
kind: product
id: hostile
enabled: true
spec: {accessId: hostile-gateway, metadata: {properties: [{id: temp, name: Temperature, valueType: {type: double}}]}}
---
kind: device
id: h-1
enabled: true
spec: {productId: hostile}
---
kind: device
id: h-2
enabled: true
spec: {productId: hostile}
END
  jlctl apply -f "$home/hostile.yaml"
}
teardown_file() { remove_home; }
teardown() {
  show_log
  end_devices
}

# A package that does harm on request: write_hostile FOLDER
write_hostile() {
  mkdir "$1"
  echo '{"id": "hostile", "transports": [{"transport": "TCP"}]}' >"$1/protocol.json"
  cat >"$1/main.js" <<'END'
const harm = {
  loop() { for (;;); },
  recurse() { const deeper = () => [deeper()]; return deeper(); },
  arrays() { for (const kept = [];;) kept.push(new Array(100000).fill(kept.length)); },
  bytes() { for (const kept = [];;) kept.push(new Uint8Array(1 << 20).fill(1)); },
  text() { for (let text = "x";;) text += text; },
  gibibyte() { return {messageType: "REPORT_PROPERTY", properties: {temp: "x".repeat(1 << 30)}}; },
  bulk(ctx) { ctx.send(new Uint8Array(1 << 30)); },
  flood(ctx) { for (;;) ctx.send("x"); },
  messages(ctx) { for (;;) ctx.handleMessage({messageType: "ONLINE", deviceId: ctx.device.id}); },
  chatter() { for (;;) console.warn("x".repeat(1000)); },
  state(ctx) { ctx.session.state.big = "x".repeat(1 << 20); },
  ring(ctx) { const state = {}; state.self = state; ctx.session.state = state; },
  throw() { throw new Error("on purpose"); },
  nothing() { throw null; },
  trap() { throw {get message() { for (;;); }, get stack() { for (;;); }, toString() { for (;;); }}; },
  proxy() { return new Proxy({}, {ownKeys() { for (;;); }}); },
  tojson() { return {messageType: "ONLINE", toJSON() { for (;;); }}; },
  regex() { return /^(a+)+$/.test("a".repeat(64) + "b"); },
  sort() { return new Array(1e6).fill(0).sort(() => Math.random() - 0.5).length; },
  code() { return (() => {}).constructor("return 1")(); },
  async() { return (async () => ({messageType: "ONLINE"}))(); },
  number() { return 7; },
  nested() { let value = {}; for (let i = 0; i < 100000; i++) value = {value}; return {messageType: "REPORT_PROPERTY", properties: value}; },
  foreign() { return {messageType: "REPORT_PROPERTY", deviceId: "h-2", properties: {temp: 666}}; },
  pollute() {
    for (const name of ["map", "find", "push", "filter", "slice", Symbol.iterator]) Array.prototype[name] = () => { throw new Error("polluted"); };
    JSON.parse = JSON.stringify = () => "polluted";
    globalThis.Reader = globalThis.crc = undefined;
    Object.prototype.polluted = true;
  },
};

export function decode(ctx) {
  const words = ctx.message.text().split(" ");
  const word = words[0], value = words[1];
  if (word === "hello") return {messageType: "ONLINE", deviceId: value};
  if (word === "report") return {messageType: "REPORT_PROPERTY", deviceId: ctx.device.id, properties: {temp: Number(value)}};
  return harm[word](ctx);
}

export function encode(ctx) { for (;;); }
END
}

# Connects a device of that package; lines to it are written to descriptor 6: connect_hostile DEVICE
connect_hostile() {
  exec 6<>"/dev/tcp/127.0.0.1/$hostile_port"
  printf 'hello %s\n' "$1" >&6
  jlctl wait "device/$1" --for status.state=online --wait-timeout 20s
}

# Reports a value until it has arrived: a program that ran too long rests for a while, and what comes then is lost.
reports() {
  printf 'report %s\n' "$2" >&6
  value_is "$1" temp "$2"
}

refused() {
  run --separate-stderr jlctl protocol add "refused-$RANDOM" --file "$home/archives/$1"
  [[ $status -eq 5 && $stderr == *"$2"* ]] || { echo "$1: exit $status, $stderr"; return 1; }
  [[ $(jlctl protocol list -q) != *refused* ]]
}

@test "archives that unpack to more than they may, or elsewhere, are refused; nothing is written" {
  refused bomb.zip "larger than 4 MiB"
  refused bomb-of-many.zip "16 MiB"
  refused files.zip "1000"
  refused lying.zip ""
  refused parent.zip "../evil.js"
  refused absolute.zip "/tmp/evil.js"
  refused backslash.zip "evil.js"
  refused link.zip "symbolic link"
  run --separate-stderr jlctl protocol add noise --file "$home/archives/noise.zip"
  [[ $status -eq 2 && $stderr == *"no document but bytes"* ]]
  [[ ! -e /tmp/evil.js && ! -e $home/evil.js && ! -e $home/state/evil.js ]]
  run jlctl protocol add nothing --file "$home/archives/empty.zip"
  [[ $status -ne 0 ]]
}

@test "Java packages are told apart" { refused java.jar "Java packages are not supported"; }

@test "modules that loop, recurse, grow, nest or import from elsewhere are refused when they are loaded" {
  refused loop.zip "ran longer than 500 ms"
  refused recursion.zip "too much recursion"
  refused heap.zip ""
  refused nesting.zip "protocol.json"
  refused brackets.zip "too much recursion"
  refused outside.zip "etc/passwd"
  jlctl protocol test "$protocols/meter"
}

@test "whatever decode() does, a message is lost and nothing else" {
  lost_messages() { jlctl gateway show hostile-gateway -o json | jq '.data.status.counters | .undecodable + .refused'; }
  rss() { awk '/VmRSS/ {print $2}' "/proc/$(daemon_pid)/status"; }
  connect_hostile h-1
  since=$(session_of h-1)
  before=$(rss)
  local n=100 word
  for word in loop recurse arrays bytes text gibibyte bulk flood messages chatter state ring throw nothing trap proxy \
    tojson regex sort code async number nested foreign; do
    lost=$(lost_messages)
    printf '%s\n' "$word" >&6
    n=$((n + 1))
    until_true 30 reports h-1 "$n" || { echo "after $word"; return 1; }
    [[ $(lost_messages) -gt $lost ]] || { echo "$word was taken"; return 1; }
  done
  [[ $(session_of h-1) == "$since" ]]
  run ! value_is h-2 temp 666
  [[ $(status_of hostile counters.overruns) -ge 5 ]]
  after=$(rss)
  echo "# resident memory $before -> $after kB" >&3
  [[ $((after - before)) -lt 262144 ]]
  exec 6>&-
}

@test "encode() that loops fails its command, not the session" {
  connect_hostile h-1
  since=$(session_of h-1)
  run --separate-stderr jlctl device read h-1 temp
  [[ $status -ne 0 ]]
  until_true 30 reports h-1 7
  [[ $(session_of h-1) == "$since" ]]
}

@test "a program that changes the language changes it for itself only" {
  attach_meter meter
  connect_hostile h-2
  for _ in {1..8}; do printf 'pollute\n' >&6; done
  until_true 30 reports h-2 11
  tell meter "report 42 230 1000"
  has_value "$meter" energy 42
  [[ $(jlctl device read "$meter" energy -o json | jq .data.properties.energy) == 42 ]]
  jlctl protocol decode meter --device "$meter" --hex "$(meter_frame "report('$meter')")"
  jlctl protocol test "$protocols/meter"
  # Loaded anew, it has forgotten.
  echo "// again" >>"$home/hostile/main.js"
  jlctl protocol pack "$home/hostile" -f "$home/again.zip"
  jlctl protocol edit hostile --file "$home/again.zip"
  until_true 30 reports h-2 12
}

@test "while a looping program is fed 50 frames, an official device gets each PUBACK within 2 s" {
  credentials dev-1 key-dev-1
  run_device probe "$JL_SOURCE/tests/system/puback_probe.py" "$mqtt_port" /sensor/dev-1/properties/report dev-1 "$mqtt_user" \
    "$mqtt_password" "$home/stop"
  hears probe ready
  connect_hostile h-1
  overruns=$(status_of hostile counters.overruns)
  # Some while it rests, some when it has rested.
  for _ in {1..50}; do
    printf 'loop\n' >&6
    read -r -t 0.1 <> <(:) || true
  done
  until_true 30 reports h-1 50
  [[ $(status_of hostile counters.overruns) -gt $overruns ]]
  touch "$home/stop"
  ended() { [[ $(wc -l <"$home/words-probe") -ge 2 ]]; }
  until_true 20 ended
  read -r count slowest < <(tail -n 1 "$home/words-probe")
  echo "# $count messages beside $(($(status_of hostile counters.overruns) - overruns)) overruns, slowest PUBACK after $slowest ms" >&3
  [[ $count -gt 100 && $slowest -lt 2000 ]]
}

@test "the daemon has not ended, and stops as it should" {
  kill -0 "$(daemon_pid)"
  jlctl status
  stop_daemon
  tail -n 1 "$daemon_log" | grep -q "app: stopped"
}
