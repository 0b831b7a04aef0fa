#!/usr/bin/env bats
# Files that come in while their disk is full: a small one of their own.
load helpers.bash

setup_file() {
  make_home
  [[ $EUID -eq 0 ]] || return 0
  mkdir -p "$home/state/files"
  mount -t tmpfs -o size=8m tmpfs "$home/state/files" 2>/dev/null || return 0
  touch "$home/mounted"
  start_daemon
}
teardown_file() {
  if [[ -f $home/mounted ]]; then
    stop_daemon
    umount "$home/state/files"
  fi
  remove_home
}
setup() { [[ -f $home/mounted ]] || skip "only root mounts a small disk"; }
teardown() { show_log; }

# Calls the control socket with a file as the body: send FILE [query]; $status_code and $home/answer are the answer.
send() {
  status_code=$(curl -sS --unix-socket "$JLCTL_SOCKET" -o "$home/answer" -w '%{http_code}' -X POST -T "$1" \
    "http://jlinkd/v1/files?purpose=firmware${2-}")
}
answer() { jq -r "$1" "$home/answer"; }
entries() { find "$home/state/files" -mindepth 1 | wc -l; }

@test "a disk that is full refuses an upload, keeps nothing of it, and takes the next one that fits" {
  truncate -s 20M "$home/large"
  send "$home/large"
  [[ $status_code == 500 && $(answer .code) == storage && $(answer .detail) == *"No space left"* ]]
  [[ $(answer .hint) == "make room"* ]]
  [[ $(entries) -eq 0 ]]
  echo small >"$home/small"
  send "$home/small"
  [[ $status_code == 201 && $(entries) -eq 2 ]]
}

@test "a disk that is full ends a download, and keeps nothing of it" {
  before=$(entries)
  mkdir -p "$home/www"
  truncate -s 20M "$home/www/fw.bin"
  port=$(free_port)
  python3 -m http.server --bind 127.0.0.1 --directory "$home/www" "$port" >/dev/null 2>&1 3>&- &
  www=$!
  until_true 10 curl -sf -o /dev/null "http://127.0.0.1:$port/"
  curl -sS --unix-socket "$JLCTL_SOCKET" -o "$home/answer" -H 'Content-Type: application/json' \
    -d "{\"url\": \"http://127.0.0.1:$port/fw.bin\"}" http://jlinkd/v1/files/fetch
  kill "$www"
  # A problem, or the last line of a stream that had begun.
  [[ $(tail -n 1 "$home/answer" | jq -r '.code // .error.code') == storage ]]
  [[ $(entries) -eq $before ]]
}

@test "a file with no room for its MD5 is not kept either" {
  rest=$(df --output=avail -B1 "$home/state/files" | tail -n 1)
  before=$(entries)
  head -c "$rest" /dev/urandom >"$home/exact"
  send "$home/exact"
  [[ $status_code == 500 && $(answer .code) == storage ]]
  [[ $(entries) -eq $before ]]
}
