# shellcheck shell=bash
# The benchmarks, on this machine: jails beside bare processes and beside one container per run; live terminals; rejudges.

# run_bench [--quick] [--only PATTERN] [--rounds N] [--json FILE]: see docs/PERFORMANCE.md.
run_bench() {
  if [[ ${1:-} == terminal || ${1:-} == rejudge ]]; then
    run_bench_installation "$@"
    return
  fi
  local arguments=("$@") name
  if [[ " $* " == *" --help "* || " $* " == *" -h "* ]]; then
    bench_usage
    return 0
  fi
  want cc gcc "links the Rust programs"
  want_engine
  install_wanted
  need_rust
  engine_up
  images_up c,cpp,java,java25,python
  say "building the benchmark (release; log in .local/log/bench-build.log)"
  cargo_build bench-build cargo build --release --locked -p iteratione-bench
  build_harness --release
  # The settings of a running `up`, or of .env, are none of the benchmark's business: it measures the defaults.
  for name in $(compgen -e | grep '^ITERATIONE_'); do unset "$name"; done
  is_root || note "bare processes are not measured: that takes root, for chroot"
  say "measuring; other work on this machine would be measured with it"
  "$ROOT/target/release/iteratione-bench" --home "$LOCAL/bench" --languages "$ROOT/images" \
    --harness "$(harness_path release)" "${arguments[@]}" 9>&-
}

# run_bench_installation terminal [--quick] [--only PART] [--rounds N] [--sessions N] [--ramp N,N] [--json FILE]
# run_bench_installation rejudge [--submissions N] [--hand-ins N] [--turns N]
run_bench_installation() {
  local arguments=("$@") name
  if [[ " $* " == *" --help "* || " $* " == *" -h "* ]]; then
    bench_usage
    return 0
  fi
  need_programs test
  trap stores_thrown_away EXIT
  trap 'exit 130' INT TERM
  engine_up
  images_up java,python
  workspace_up
  test_stores_up
  say "building the services and the benchmark (release; log in .local/log/bench-build.log)"
  cargo_build bench-build cargo build --release --locked -p iteratione-api -p iteratione-grader -p iteratione-runner \
    -p iteratione-bench
  build_harness --release
  for name in $(compgen -e | grep '^ITERATIONE_' | grep -v '^ITERATIONE_TEST_'); do unset "$name"; done
  ITERATIONE_TEST_HARNESS=$(harness_path release)
  export ITERATIONE_TEST_HARNESS ITERATIONE_TEST_LANGUAGES_DIR=$ROOT/images ITERATIONE_TEST_BIN_DIR=$ROOT/target/release
  say "measuring; other work on this machine would be measured with it"
  "$ROOT/target/release/iteratione-bench" --home "$LOCAL/bench" --languages "$ROOT/images" \
    --harness "$(harness_path release)" "${arguments[@]}" 9>&-
}

bench_usage() {
  cat <<'TEXT'
Usage: ./iteratione bench [--quick] [--only PATTERN[,PATTERN…]] [--rounds N] [--json FILE]

  --quick          few rounds: about three minutes instead of about ten
  --only PATTERN   only what has it in its name: hello_c hello_python hello_java lab10_java lab10_java25 lab10_cpp
                   hundred_c rate_c rate_python rate_java idle_c idle_java
  --rounds N       so many rounds of everything that is measured in rounds
  --json FILE      writes the report as JSON too

Usage: ./iteratione bench terminal [--quick] [--only PART[,PART…]] [--rounds N] [--sessions N] [--ramp N[,N…]] [--json FILE]

  --quick          few rounds: to see that it works
  --only PART      only this: echo start cold interrupt load
  --rounds N       so many keys and lines of each way (300)
  --sessions N     so many live terminals at once, half Java, half Python (120)
  --ramp N,N       then so many, until something breaks
  --json FILE      writes the report as JSON too

Usage: ./iteratione bench rejudge [--submissions N] [--hand-ins N] [--turns N]

  --submissions N  so many are graded again meanwhile (500)
  --hand-ins N     so many are measured in each turn, with and without (10)
  --turns N        so many turns of each (3)
TEXT
}
