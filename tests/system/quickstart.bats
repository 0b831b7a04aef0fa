#!/usr/bin/env bats
# The first command of the README, as a newcomer runs it.
load helpers.bash

setup() { make_home; }
teardown() { remove_home; }

@test "examples/quickstart shows a real device online with its value, then offline, and cleans up" {
  run env XDG_RUNTIME_DIR="$home" JL_BUILD="${JL_BUILD:-}" "$JL_SOURCE/examples/quickstart"
  assert_success
  [[ $output == *demo-1*online* && $output == *demo-1*offline* && $output == *REPORT_PROPERTY* ]]
  [[ -z $(find "$home" -name pid) ]]
}
