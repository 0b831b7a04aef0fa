#!/usr/bin/env bats
# Protocol packages as files: what jlctl writes and packs, read back by the tools that people have. No daemon runs.
load helpers.bash

setup_file() { make_home; }
setup() {
  work=$(mktemp -d "$home/XXXXXX")
  cd "$work" || return 1
}
teardown_file() { remove_home; }

# The members of an archive with their content, as Python's zipfile sees them.
members() {
  python3 - "$1" <<'PYTHON'
import hashlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    for entry in archive.infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0) and entry.external_attr >> 16 == 0o100644, entry
        print(hashlib.sha256(archive.read(entry)).hexdigest() + "  " + entry.filename)
PYTHON
}

@test "init writes a package for every transport; every file of it is well-formed" {
  for transport in TCP UDP MQTT HTTP WebSocket CoAP; do
    jlctl protocol init "$transport" --transport "$transport" -q >files
    [[ $(wc -l <files) -eq 5 ]]
    jq -e --arg t "$transport" '.id == $t and .transports[0].transport == $t' "$transport/protocol.json"
    jq -e 'length >= 2 and all(.[]; has("name") and has("expect"))' "$transport/tests/first.json"
    jq -e .properties "$transport/thing-model.json"
    if command -v node; then
      cp "$transport/main.js" main.mjs
      node --check main.mjs
    fi
  done
}

@test "init never overwrites" {
  jlctl protocol init meter
  echo mine >meter/main.js
  run --separate-stderr jlctl protocol init meter --transport UDP
  [[ $status -eq 4 && -z $output && $stderr == *already_exists* ]]
  [[ $(cat meter/main.js) == mine ]]
}

@test "pack makes an archive that Python reads, of just the files that packages use" {
  jlctl protocol init 电表 --id meter
  mkdir -p 电表/.git 电表/node_modules/x 电表/lib
  touch 电表/.git/config.json 电表/node_modules/x/index.js 电表/icon.png
  echo 'export const a = 1;' >电表/lib/表.js
  jlctl protocol pack 电表
  members 电表.zip >inside
  (cd 电表 && sha256sum docs/protocol.md lib/表.js main.js protocol.json tests/first.json thing-model.json) >outside
  diff inside outside
}

@test "pack gives the same bytes twice, and writes to a pipe but not to a terminal" {
  jlctl protocol init meter
  jlctl protocol pack meter -f one.zip
  touch -d 2001-01-01 meter/main.js
  chmod 600 meter/main.js
  jlctl protocol pack meter -f - >two.zip
  cmp one.zip two.zip
  if command -v unzip; then unzip -tq one.zip; fi
  if command -v script; then
    run script -qec "'$JL_BIN/jlctl' protocol pack meter -f -" /dev/null
    [[ $status -eq 2 && $output == *terminal* ]]
  fi
}

@test "pack refuses what jlinkd would: links, no protocol.json, files that are too large" {
  jlctl protocol init meter
  ln -s /etc/passwd meter/passwd.json
  run --separate-stderr jlctl protocol pack meter
  [[ $status -eq 5 && -z $output && $stderr == *'symbolic link'* ]]
  rm meter/passwd.json
  truncate -s 5M meter/large.js
  run --separate-stderr jlctl protocol pack meter
  [[ $status -ne 0 && $stderr == *too_large*'4 MiB'* ]]
  mkdir empty
  run --separate-stderr jlctl protocol pack empty
  [[ $status -eq 5 && $stderr == *'no protocol.json'* && ! -e empty.zip ]]
}
