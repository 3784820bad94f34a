# shellcheck shell=bash
# The benchmark: jails beside bare processes and beside one container per run, on this machine.

# run_bench [--quick] [--only PATTERN] [--rounds N] [--json FILE]: see docs/PERFORMANCE.md.
run_bench() {
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

bench_usage() {
  cat <<'TEXT'
Usage: ./iteratione bench [--quick] [--only PATTERN[,PATTERN…]] [--rounds N] [--json FILE]

  --quick          few rounds: about three minutes instead of about ten
  --only PATTERN   only what has it in its name: hello_c hello_python hello_java lab10_java lab10_java25 lab10_cpp
                   hundred_c rate_c rate_python rate_java idle_c idle_java
  --rounds N       so many rounds of everything that is measured in rounds
  --json FILE      writes the report as JSON too
TEXT
}
