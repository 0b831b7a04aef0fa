#!/usr/bin/env bats
# Who may do what: the peer's user, mapped to a role by the configuration. Needs root to become someone else.
load helpers.bash

setup_file() {
  make_home
  [[ $(id -u) -eq 0 ]] || skip "needs root to act as another user"
  export control_group=65534
  share_with_nobody
  role none
  start_daemon
  provision dev-1
}
teardown_file() { remove_home; }
teardown() { show_log; }

# Writes the configuration that gives user 65534 a role.
role() {
  case $1 in
    none) write_config </dev/null ;;
    *) write_config <<<"roles: {$1: {users: [65534]}}" ;;
  esac
}
become() {
  role "$1"
  kill -HUP "$(daemon_pid)"
  has_role() { [[ $(as_nobody "$home/shared/jlctl" whoami -o value=role 2>/dev/null || echo none) == "$1" ]]; }
  until_true 30 has_role "$1"
}
nobody() { run --separate-stderr as_nobody "$home/shared/jlctl" "$@"; }

@test "root is admin" {
  [[ $(jlctl whoami -o value=role) == admin ]]
  jlctl can delete gateway
}

@test "a user without a role is refused everything but whoami and version (6)" {
  become none
  nobody status
  assert_error 6 denied
  nobody device list
  assert_error 6 denied
  nobody version
  assert_success
}

@test "a viewer reads and changes nothing" {
  become viewer
  nobody device list
  assert_success
  nobody export
  assert_success
  nobody product add x
  assert_error 6 denied
  nobody device disable dev-1 --yes
  assert_error 6 denied
  nobody can enable network
  [[ $status -eq 6 ]]
  nobody can list network
  assert_success
}

@test "an operator enables, disables and commands, but neither adds nor deletes" {
  become operator
  nobody device disable dev-1 --yes
  assert_success
  nobody device enable dev-1
  assert_success
  nobody device read dev-1 temp
  assert_error 7 CLIENT_OFFLINE
  nobody device delete dev-1 --yes
  assert_error 6 denied
  nobody apply -f "$home/shared/quickstart.yaml"
  assert_error 6 denied
  nobody log purge --before 1d --yes
  assert_error 6 denied
}

@test "an admin by user number does everything" {
  become admin
  nobody product add by-nobody
  assert_success
  nobody product delete by-nobody --yes
  assert_success
}

@test "a refusal is in the access log, with who asked" {
  become viewer
  nobody product add denied-product
  assert_error 6 denied
  denied_record() {
    jlctl log access --status failed -o json |
      jq -e '.data.items[] | select(.action == "product add" and .uid == 65534 and .code == "denied")' >/dev/null
  }
  until_true 30 denied_record
}

@test "claimed headers do not make anyone someone else" {
  become viewer
  run as_nobody curl -s --unix-socket "$JLCTL_SOCKET" -H 'Jlctl-Sudo-User: root' -X DELETE http://jlinkd/v1/devices/dev-1
  [[ $(jq -r .code <<<"$output") == denied ]]
  jlctl device exists dev-1
}
