#!/usr/bin/env bats
# Firmware on its way into the daemon: wrong signs, broken uploads, full disks and names that are paths. What is refused
# leaves nothing behind (operations.md 1.1).
load helpers.bash
load ota.bash

setup_file() {
  make_home
  start_daemon
  open_ota
  head -c 300000 /dev/urandom >"$home/image.bin"
  sha=$(sha256_of "$home/image.bin")
  md5=$(md5sum "$home/image.bin" | cut -d ' ' -f 1)
  zeros=$(printf '0%.0s' {1..64})
  export sha md5 zeros
}
teardown_file() { remove_home; }
teardown() {
  [[ -z ${uploader:-} ]] || kill -KILL "$uploader" 2>/dev/null || true
  show_log
}

nothing_kept() { [[ -z $(find "${1:-$home/state}/files" -type f) ]]; }
kept() { find "$home/state/files" -type f | sort; }
as_before() { [[ $(kept) == "$before" ]]; }
on_the_way() { [[ $(find "$home/state/files" -name '.incoming-*' | wc -l) -ge 1 ]]; }
# jlctl adds a firmware of product sensor: add ID [flags]; $status, $output and $stderr are how it went.
add() { run --separate-stderr jlctl ota firmware add "$1" --product sensor --version "$1" "${@:2}"; }

@test "a wrong sign is refused with what it is and what it should be, and nothing is kept" {
  add fw-1 --order 1 --image "$home/image.bin" --sign "$zeros"
  assert_error 5 sign_mismatch
  [[ $stderr == *"$zeros"* && $stderr == *"$sha"* ]]
  nothing_kept
  add fw-1 --order 1 --image "$home/image.bin" --sign-method md5 --sign "${zeros:32}"
  assert_error 5 sign_mismatch
  [[ $stderr == *"${zeros:32}"* && $stderr == *"$md5"* ]]
  nothing_kept
  run ! jlctl ota firmware exists fw-1
  for sign in "${sha%?}" "${sha}0" "${sha%?}g" "$md5" "" "../$sha"; do
    call "/v1/files?purpose=firmware&signMethod=sha256&sign=$sign" -X POST -T "$home/image.bin"
    [[ $status_code == 422 || $status_code == 400 || ($status_code == 201 && -z $sign) ]]
    [[ -z $sign ]] && find "$home/state/files" -type f -delete
    nothing_kept
  done
  add fw-1 --order 1 --image "$home/image.bin" --sign "$md5"
  [[ $status -eq 5 && -z $output && $stderr == *"64 hex digits"* ]]
  nothing_kept
}

@test "the right sign in any case is kept in lower case, MD5 as well as SHA-256; auto takes what came" {
  add fw-md5 --order 1 --image "$home/image.bin" --sign-method md5 --sign "${md5^^}"
  assert_success
  [[ $(jlctl ota firmware show fw-md5 -o value=spec.sign) == "$md5" ]]
  [[ $(jlctl ota firmware show fw-md5 -o value=spec.size) == 300000 ]]
  add fw-auto --order 2 --image "$home/image.bin" --sign auto
  assert_success
  [[ $(jlctl ota firmware show fw-auto -o value=spec.sign) == "$sha" ]]
  # One content is one file, however many firmware it is.
  [[ $(find "$home/state/files" -type f -size +200k | wc -l) -eq 1 ]]
  jlctl ota firmware verify fw-md5 -o json | jq -e --arg md5 "$md5" '.data | .result == "ok" and .actual == $md5'
}

@test "an image that was changed on the disk is found by verify, and is served to nobody under a wrong size" {
  stored=$home/state/files/$sha
  cp "$stored" "$home/kept"
  printf x | dd of="$stored" bs=1 seek=1000 conv=notrunc status=none
  run --separate-stderr jlctl ota firmware verify fw-auto
  assert_error 10 job_failed
  [[ $stderr == *"$sha"* ]]
  cp "$home/kept" "$stored"
  jlctl ota firmware verify fw-auto
}

@test "an upload that ends early, in chunks or short of its length, leaves nothing" {
  before=$(kept)
  printf 'POST /v1/files?purpose=firmware HTTP/1.1\r\nHost: jlinkd\r\nContent-Length: 300000\r\n\r\nshort' |
    timeout 20 nc -N -U "$JLCTL_SOCKET" >"$home/answer" || true
  printf 'POST /v1/files?purpose=firmware HTTP/1.1\r\nHost: jlinkd\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nff' |
    timeout 20 nc -N -U "$JLCTL_SOCKET" >>"$home/answer" || true
  run ! grep -q ' 20[01] ' "$home/answer"
  until_true 20 as_before
}

@test "a killed uploader and a killed daemon leave nothing of an image that was on its way" {
  before=$(kept)
  begin_upload() {
    { cat "$home/image.bin"; exec sleep 600; } 3>&- | curl -sS --unix-socket "$JLCTL_SOCKET" -X POST -T - \
      "http://jlinkd/v1/files?purpose=firmware&signMethod=sha256&sign=$sha" >/dev/null 2>&1 3>&- &
    uploader=$!
    until_true 20 on_the_way
  }
  begin_upload
  kill -KILL "$uploader"
  until_true 20 as_before
  begin_upload
  stop_daemon KILL
  kill -KILL "$uploader" 2>/dev/null || true
  start_daemon
  as_before
}

@test "names are ids and file names, not paths" {
  mkdir -p "$home/odd"
  for id in ../x a/b .. . '' 'a b' 'x?y' $'a\nb' "$(printf 'x%.0s' {1..65})"; do
    run --separate-stderr jlctl ota firmware add "$id" --product sensor --version v --order 9 --image "$home/image.bin" --sign "$sha"
    [[ $status -ne 0 && -z $output ]]
  done
  call /v1/ota-firmwares/..%2Fx -X DELETE
  [[ $status_code == 40[0-9] ]]
  for name in ../x a/b .. . /etc/passwd; do
    add fw-odd --order 9 --image "$home/image.bin" --sign "$sha" --file-name "$name"
    assert_error 5 invalid
    [[ $stderr == *fileName* ]]
  done
  cp "$home/image.bin" "$home/odd/a b&c?d=..%2F;ä\"#.bin"
  add fw-odd --order 9 --image "$home/odd/a b&c?d=..%2F;ä\"#.bin" --sign "$sha"
  assert_success
  # In its address it is one plain part.
  run jlctl ota check fw-odd -o json
  assert_success
  [[ $(jq -r .data.url <<<"$output") =~ ^http://127.0.0.1:$http_port/ota/v1/fw-odd/[A-Za-z0-9._-]+$ ]]
  [[ -z $(find "$home/state/files" -mindepth 1 -type d) ]]
}

@test "a file id that is none, or a path, names no file" {
  for id in ../jlinkd.yaml "$zeros" "${sha^^}x" '' "files/$sha"; do
    run --separate-stderr jlctl apply -f - <<EOF
{"kind": "ota-firmware", "id": "ghost", "spec": {"productId": "sensor", "version": "g", "versionOrder": 77, "fileId": "$id", "sign": "$sha"}}
EOF
    [[ $status -eq 5 && -z $output ]]
  done
  run ! jlctl ota firmware exists ghost
}

@test "a full disk is said so, nothing is kept, and there is room again afterwards" {
  [[ $(id -u) -eq 0 ]] || skip "mounting needs root"
  local folder=$home/small
  mkdir "$folder"
  mount -t tmpfs -o size=48m,mode=0700 tmpfs "$folder" || skip "no tmpfs can be mounted here"
  (
    trap 'kill -KILL "$(cat "$folder.pid" 2>/dev/null)" 2>/dev/null; until_true 20 umount "$folder"' EXIT
    export JLCTL_SOCKET=$folder.sock
    sed -e "s|^stateDir:.*|stateDir: $folder/state|" -e "s|socket: [^,]*|socket: $folder.sock|" "$home/jlinkd.yaml" >"$folder.yaml"
    "$JL_BIN/jlinkd" --config "$folder.yaml" >>"$daemon_log" 2>&1 3>&- &
    echo $! >"$folder.pid"
    jlctl daemon wait --wait-timeout 30s
    open_ota
    head -c $((60 * 1024 * 1024)) /dev/zero >"$home/huge.bin"
    run --separate-stderr jlctl ota firmware add huge --product sensor --version 1 --order 1 --image "$home/huge.bin" --sign "$(sha256_of "$home/huge.bin")"
    [[ $status -ne 0 && -z $output && $stderr == *"space"* ]]
    nothing_kept "$folder/state"
    rm "$home/huge.bin"
    # The daemon has lived on, and has room.
    jlctl ota firmware add small --product sensor --version 1 --order 1 --image "$home/image.bin" --sign "$sha"
    jlctl ota firmware verify small
  )
}
