#!/usr/bin/env bats
# cmake --install puts everything in place, and systemd has no complaint.
load helpers.bash

setup_file() {
  make_home
  DESTDIR=$home/root cmake --install "${JL_BUILD:-$JL_SOURCE/build/release}" --prefix /usr >"$home/install.log"
}
teardown_file() { remove_home; }

@test "programs, pages, completions, unit, users and configuration are installed" {
  for file in usr/sbin/jlinkd usr/bin/jlctl usr/share/man/man8/jlinkd.8 usr/share/man/man5/jlinkd.yaml.5 usr/share/man/man1/jlctl.1 \
    usr/share/bash-completion/completions/jlctl usr/share/zsh/vendor-completions/_jlctl usr/share/fish/vendor_completions.d/jlctl.fish \
    usr/lib/systemd/system/jlinkd.service usr/lib/sysusers.d/jlinkd.conf usr/lib/tmpfiles.d/jlinkd.conf etc/jlinkd/jlinkd.yaml; do
    [[ -s $home/root/$file ]] || { echo "$file"; return 1; }
  done
  "$home/root/usr/sbin/jlinkd" --version
  "$home/root/usr/bin/jlctl" version --client
}

@test "a second installation leaves the administrator's configuration alone" {
  echo '# mine' >"$home/root/etc/jlinkd/jlinkd.yaml"
  DESTDIR=$home/root cmake --install "${JL_BUILD:-$JL_SOURCE/build/release}" --prefix /usr >/dev/null
  [[ $(cat "$home/root/etc/jlinkd/jlinkd.yaml") == "# mine" ]]
}

@test "the unit names the installed programs and is hardened" {
  unit=$home/root/usr/lib/systemd/system/jlinkd.service
  grep -q '^ExecStart=/usr/sbin/jlinkd --config /etc/jlinkd/jlinkd.yaml$' "$unit"
  for line in Type=notify User=jlinkd StateDirectory=jlinkd RuntimeDirectory=jlinkd ProtectSystem=strict NoNewPrivileges=yes WatchdogSec=30; do
    grep -qx "$line" "$unit" || { echo "$line"; return 1; }
  done
}

@test "systemd accepts the unit, the user and the folders" {
  command -v systemd-analyze >/dev/null || skip "no systemd"
  sed "s|/usr/sbin/jlinkd|$home/root/usr/sbin/jlinkd|; /^Documentation=/d" "$home/root/usr/lib/systemd/system/jlinkd.service" >"$home/jlinkd.service"
  run systemd-analyze verify --man=no "$home/jlinkd.service"
  [[ $status -eq 0 && $output != *jlinkd.service:* ]] || { echo "$output"; return 1; }
  run systemd-analyze security --offline=true --threshold=40 "$home/jlinkd.service"
  [[ $status -eq 0 ]] || { echo "$output"; return 1; }
  mkdir -p "$home/root2/etc"
  systemd-sysusers --root="$home/root2" "$home/root/usr/lib/sysusers.d/jlinkd.conf"
  grep -q '^jlinkd:' "$home/root2/etc/passwd"
  grep -q '^jlinkd:' "$home/root2/etc/group"
}
