#!/usr/bin/env bats
# Files that are uploaded to the daemon and kept by their content.
load helpers.bash

setup_file() {
  make_home
  start_daemon
  head -c 300000 /dev/urandom >"$home/codec.jar"
}
teardown_file() { remove_home; }
teardown() { show_log; }

# Packs a package that works, told apart by its version: make_package FILE VERSION
make_package() {
  rm -rf "$home/pkg"
  jlctl protocol init "$home/pkg" --id upload-test >/dev/null
  jq --arg v "$2" '.version = $v' "$home/pkg/protocol.json" >"$home/protocol.json"
  mv "$home/protocol.json" "$home/pkg/protocol.json"
  jlctl protocol pack "$home/pkg" -f "$1" >/dev/null
}

# Calls the control socket: call TARGET [curl arguments]; $status_code and $output_body are the answer.
call() {
  local target=$1
  shift
  status_code=$(curl -sS --unix-socket "$JLCTL_SOCKET" -o "$home/answer" -w '%{http_code}' "$@" "http://jlinkd$target")
  output_body=$(cat "$home/answer")
}

sha() { sha256sum "$1" | cut -d ' ' -f 1; }
kept() { find "$home/state/files" -type f ! -name '.*' -printf '%f\n' | sort; }
on_the_way() { find "$home/state/files" -name '.incoming-*' | wc -l; }
some_on_the_way() { [[ $(on_the_way) -gt 0 ]]; }
none_on_the_way() { [[ $(on_the_way) -eq 0 ]]; }

@test "curl uploads a file with its length and in chunks; the same content is kept once" {
  id=$(sha "$home/codec.jar")
  call '/v1/files?purpose=protocol' -H 'Content-Type: application/octet-stream' --data-binary "@$home/codec.jar"
  [[ $status_code == 201 ]]
  [[ $(jq -r .fileId <<<"$output_body") == "$id" && $(jq .size <<<"$output_body") == 300000 ]]
  cmp "$home/codec.jar" "$home/state/files/$id"
  [[ $(stat -c %a "$home/state/files/$id") == 600 && $(stat -c %a "$home/state/files") == 700 ]]
  call '/v1/files?purpose=protocol' -X POST -T - <"$home/codec.jar"
  [[ $status_code == 200 && $(jq -r .fileId <<<"$output_body") == "$id" ]]
  [[ $(kept | wc -l) -eq 1 ]]
  jlctl log access --action 'file upload' -o json | jq -e '.data.items | length == 2'
}

@test "what is no file for a purpose is refused" {
  call '/v1/files' -X POST -T "$home/codec.jar"
  [[ $status_code == 400 && $(jq -r .field <<<"$output_body") == purpose ]]
  call '/v1/files?purpose=cats' -X POST -T "$home/codec.jar"
  [[ $status_code == 400 ]]
  call '/v1/files?purpose=protocol' --data-binary "@$home/codec.jar"
  [[ $status_code == 400 && $(jq -r .hint <<<"$output_body") == *application/octet-stream* ]]
  call '/v1/files?purpose=protocol' -X POST
  [[ $status_code == 400 ]]
  none_on_the_way
}

@test "64 MiB go through and one byte more is refused, by length and in chunks; memory does not grow with them" {
  before=$(awk '/VmHWM/ {print $2}' "/proc/$(daemon_pid)/status")
  truncate -s 64M "$home/large"
  call '/v1/files?purpose=protocol' -X POST -T "$home/large"
  [[ $status_code == 201 ]]
  truncate -s $((64 * 1024 * 1024 + 1)) "$home/large"
  call '/v1/files?purpose=protocol' -X POST -T "$home/large"
  [[ $status_code == 413 && $(jq -r .code <<<"$output_body") == too_large ]]
  call '/v1/files?purpose=protocol' -X POST -T - <"$home/large"
  [[ $status_code == 413 ]]
  none_on_the_way
  after=$(awk '/VmHWM/ {print $2}' "/proc/$(daemon_pid)/status")
  [[ $((after - before)) -lt 16384 ]] || { echo "VmHWM $before -> $after kB"; return 1; }
  rm "$home/large"
}

# Begins an upload that goes on until it is killed; $uploader is its process.
begin_upload() {
  { cat "$home/codec.jar"; exec sleep 600; } 3>&- | curl -sS --unix-socket "$JLCTL_SOCKET" -X POST -T - \
    "http://jlinkd/v1/files?purpose=protocol" >/dev/null 2>&1 3>&- &
  uploader=$!
  until_true 10 some_on_the_way
}

@test "an uploader that is killed leaves nothing" {
  begin_upload
  kill -KILL "$uploader"
  until_true 10 none_on_the_way
  [[ $(kept | wc -l) -eq 2 ]]
}

@test "a daemon that is killed in the middle of an upload leaves nothing after its next start" {
  begin_upload
  stop_daemon KILL
  some_on_the_way
  kill -KILL "$uploader" 2>/dev/null || true
  start_daemon
  none_on_the_way
  [[ $(kept | wc -l) -eq 2 ]]
}

@test "jlctl uploads a package with the protocol that names it" {
  make_package "$home/own.jar" 1
  run --separate-stderr jlctl protocol add own --type jar --file "$home/own.jar"
  [[ $status -eq 0 && -z $output && -z $stderr ]]
  run jlctl protocol show own -o json
  [[ $(jq -r .data.spec.configuration.fileId <<<"$output") == "$(sha "$home/own.jar")" ]]
  [[ $(jq -r .data.spec.configuration.fileName <<<"$output") == own.jar ]]
  make_package "$home/other.zip" 2
  jlctl protocol edit own --package - <"$home/other.zip"
  [[ $(jlctl protocol show own -o value=spec.configuration.fileId) == "$(sha "$home/other.zip")" ]]
}

@test "manifests name files beside them; plans send nothing; applying twice changes nothing" {
  mkdir -p "$home/site"
  make_package "$home/site/v1.jar" v1
  printf 'kind: protocol\nid: site\nspec:\n  type: zip\n  configuration:\n    fileId: {fromFile: v1.jar}\n' >"$home/site/p.yaml"
  id=$(sha "$home/site/v1.jar")
  jlctl validate -f "$home/site"
  run jlctl diff -f "$home/site"
  [[ $status -eq 20 ]]
  run jlctl apply -f "$home/site" --dry-run
  [[ $status -eq 20 ]]
  [[ ! -e $home/state/files/$id ]]
  jlctl apply -f "$home/site"
  [[ -e $home/state/files/$id ]]
  jlctl diff -f "$home/site"
  [[ $(jlctl apply -f "$home/site" -o value=result) == unchanged ]]
  make_package "$home/site/v1.jar" v2
  run jlctl diff -f "$home/site"
  [[ $status -eq 20 && $output == *fileId* ]]
  rm "$home/site/v1.jar"
  run jlctl validate -f "$home/site"
  [[ $status -eq 5 && $output == *p.yaml:6*v1.jar* ]]
}

@test "an id that nobody uploaded is refused, and names the field" {
  run jlctl apply -f - <<EOF
{"kind": "protocol", "id": "ghost", "spec": {"type": "jar", "configuration": {"fileId": "$(printf '0%.0s' {1..64})"}}}
EOF
  [[ $status -eq 5 && $output == *spec.configuration.fileId* && $output == *"no file with this id"* ]]
  run jlctl apply -f - <<<'{"kind": "protocol", "id": "ghost", "spec": {"type": "jar", "configuration": {"fileId": "codec.jar"}}}'
  [[ $status -eq 5 && $output == *--package* ]]
}

@test "firmware is kept with both digests when it has the sign that is given, and else not at all" {
  head -c 300000 /dev/urandom >"$home/fw.bin"
  before=$(kept)
  md5=$(md5sum "$home/fw.bin" | cut -d ' ' -f 1)
  call "/v1/files?purpose=firmware&signMethod=md5&sign=$(printf 'd%.0s' {1..32})" -X POST -T "$home/fw.bin"
  [[ $status_code == 422 && $(jq -r .code <<<"$output_body") == sign_mismatch ]]
  [[ $(jq -r .actual <<<"$output_body") == "$md5" && $(jq -r .detail <<<"$output_body") == "the file's md5 is $md5, not dddd"* ]]
  call "/v1/files?purpose=firmware&signMethod=sha256&sign=$md5" -X POST -T "$home/fw.bin"
  [[ $status_code == 422 && $(jq -r .field <<<"$output_body") == sign ]]
  [[ $(kept) == "$before" ]]
  none_on_the_way
  call "/v1/files?purpose=firmware&signMethod=MD5&sign=${md5^^}" -X POST -T "$home/fw.bin"
  [[ $status_code == 201 && $(jq -r .md5 <<<"$output_body") == "$md5" ]]
  [[ $(jq -r .sha256 <<<"$output_body") == "$(sha "$home/fw.bin")" ]]
  [[ $(cat "$home/state/files/$(sha "$home/fw.bin").md5") == "$md5" ]]
}

@test "a firmware of which less comes than was said leaves nothing" {
  before=$(kept)
  # Says more than it sends.
  { printf 'POST /v1/files?purpose=firmware HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'; head -c 500 "$home/codec.jar"; } |
    nc -N -U "$JLCTL_SOCKET" >"$home/answer" || true
  until_true 10 none_on_the_way
  [[ $(kept) == "$before" ]]
}

# Serves $home/www on $www_port until stop_www.
start_www() {
  mkdir -p "$home/www"
  www_port=$(free_port)
  python3 -m http.server --bind 127.0.0.1 --directory "$home/www" "$www_port" >/dev/null 2>&1 3>&- &
  www=$!
  until_true 10 curl -sf -o /dev/null "http://127.0.0.1:$www_port/"
}
stop_www() { kill "$www"; }

@test "the daemon fetches firmware itself, and what it is not told it may is refused" {
  start_www
  head -c 3000000 /dev/urandom >"$home/www/fw.bin"
  fetch() { call /v1/files/fetch -H 'Content-Type: application/json' -d "$1"; }
  url="http://user:canary@127.0.0.1:$www_port/fw.bin"
  fetch "{\"url\": \"$url\", \"signMethod\": \"sha256\", \"sign\": \"$(sha "$home/www/fw.bin")\", \"size\": 3000000}"
  [[ $status_code == 200 ]]
  last=$(tail -n 1 <<<"$output_body")
  [[ $(jq -r .fileId <<<"$last") == "$(sha "$home/www/fw.bin")" && $(jq .size <<<"$last") == 3000000 ]]
  [[ $(jq -r .md5 <<<"$last") == "$(md5sum "$home/www/fw.bin" | cut -d ' ' -f 1)" && $(jq .existed <<<"$last") == false ]]
  cmp "$home/www/fw.bin" "$home/state/files/$(sha "$home/www/fw.bin")"
  before=$(kept)
  fetch "{\"url\": \"http://user:canary@127.0.0.1:$www_port/none\"}"
  [[ $status_code == 500 && $(jq -r .httpStatus <<<"$output_body") == 404 ]]
  fetch "{\"url\": \"file://$home/www/fw.bin\"}"
  [[ $status_code == 422 && $(jq -r .field <<<"$output_body") == url ]]
  [[ $(kept) == "$before" ]]
  none_on_the_way
  run ! grep -q canary "$home/jlinkd.log"
  jlctl log access --action 'file fetch' -o json | jq -e '.data.items | length == 3'
  run ! grep -q canary <(jlctl log access -o json)
  stop_www
}

@test "at start, files that nothing names and that are older than an hour are deleted, and no others" {
  own=$(jlctl protocol show own -o value=spec.configuration.fileId)
  site=$(jlctl protocol show site -o value=spec.configuration.fileId)
  old=$(sha "$home/codec.jar")
  echo young >"$home/young"
  call '/v1/files?purpose=protocol' -X POST -T "$home/young"
  touch -d '2 hours ago' "$home/state/files/$own" "$home/state/files/$site" "$home/state/files/$old"
  stop_daemon
  start_daemon
  gone() { [[ ! -e $home/state/files/$1 ]]; }
  until_true 10 gone "$old"
  [[ -e $home/state/files/$own && -e $home/state/files/$site && -e $home/state/files/$(sha "$home/young") ]]
}

@test "uploads need the role operator" {
  jlctl can upload file
  [[ $(jlctl can upload file -o value=needs) == operator ]]
  run ! jlctl file upload x
}
