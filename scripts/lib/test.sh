# shellcheck shell=bash
# The rings of tests. Each ring adds to PASSED and FAILED; the sum is the last line.

readonly RINGS=(lint unit images e2e attacks openapi)
PASSED=0 FAILED=0 PREPARED=0 BROKEN=() FLAKY=()
TEST_HOME=''

run_test() {
  local rings=("$@") ring
  ((${#rings[@]})) || rings=("${RINGS[@]}")
  for ring in "${rings[@]}"; do
    [[ " ${RINGS[*]} " == *" $ring "* ]] || die "no such ring: $ring; there are: ${RINGS[*]}"
  done
  need_programs test
  trap stores_thrown_away EXIT
  trap 'exit 130' INT TERM
  export CARGO_TERM_COLOR=never
  for ring in "${rings[@]}"; do
    say "ring $ring"
    "ring_$ring"
  done
  ((${#BROKEN[@]} == 0)) || printf 'failed: %s\n' "${BROKEN[@]}"
  ((${#FLAKY[@]} == 0)) || printf 'flaky, passed when tried again: %s\n' "${FLAKY[@]}"
  printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
  ((FAILED == 0 && PASSED > 0))
}

# check NAME COMMAND…: one check that is no test of cargo's.
check() {
  local name=$1
  shift
  if "$@"; then
    PASSED=$((PASSED + 1))
    note "ok      $name"
  else
    FAILED=$((FAILED + 1))
    BROKEN+=("$name")
    note "FAILED  $name"
  fi
}

ring_lint() {
  check "cargo fmt" cargo fmt --all --check
  check "clippy" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
  check "shellcheck" shellcheck -x iteratione .ci/run scripts/lib/*.sh
  if ! has cargo-deny; then
    note "installing cargo-deny, which checks licences, sources and bans (takes some minutes, once)"
    cargo install --locked --quiet cargo-deny || true
  fi
  check "cargo deny: bans, licenses, sources" cargo deny --log-level error check bans licenses sources
  if timeout 20 git ls-remote -q https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
    check "cargo deny: advisories" timeout 300 cargo deny --log-level error check advisories
  else
    note "not checked here: known advisories, because their database cannot be fetched"
  fi
}

# What the rings that run code need: an engine, the languages, throw-away stores, programs of the dev profile.
prepare() {
  ((PREPARED == 0)) || return 0
  PREPARED=1
  engine_up
  # The tests of the services are about core languages and a shell at the terminal, those of the images about the chosen.
  images_up ''
  images_up bash
  images_up
  export ITERATIONE_TEST_LANGUAGES=${ITERATIONE_TEST_LANGUAGES-${ITERATIONE_LANGUAGES-}}
  workspace_up
  test_stores_up
  say "building the services and the tests (dev profile)"
  cargo_build build-test cargo build --locked -p iteratione-api -p iteratione-grader -p iteratione-runner \
    -p iteratione-demo -p iteratione-client -p iteratione-itr
  build_harness
  # The settings of a running `up`, or of .env, are none of the tests' business.
  local name
  for name in $(compgen -e | grep '^ITERATIONE_' | grep -v '^ITERATIONE_TEST_'); do unset "$name"; done
  ITERATIONE_TEST_HARNESS=$(harness_path debug)
  export ITERATIONE_TEST_HARNESS
  export ITERATIONE_TEST_LANGUAGES_DIR=$ROOT/images ITERATIONE_TEST_BIN_DIR=$ROOT/target/debug
}

test_stores_up() {
  local pg redis password=iteratione
  mkdir -p "$LOCAL/test"
  sweep_dead_tests
  TEST_HOME=$(mktemp -d "$LOCAL/test/XXXXXX")
  printf '%s %s\n' $$ "$(started_at $$)" >"$TEST_HOME/owner"
  chmod 755 "$TEST_HOME"
  TEST_PG_HOME=$(pg_home "$TEST_HOME/pg-${TEST_HOME##*/}")
  printf '%s\n' "$TEST_PG_HOME" >"$TEST_HOME/pg-home"
  pg=$(free_port)
  pg_start "$TEST_PG_HOME" "$pg" "$password" throwaway
  redis=$(free_port)
  test_redis_up "$redis"
  wait_for 30 redis_ping "$redis" '' || die "the tests' Redis did not start"
  export DATABASE_URL=postgres://iteratione:$password@127.0.0.1:$pg/iteratione
  export REDIS_URL=redis://127.0.0.1:$redis/
  export ITERATIONE_TEST_DATABASE_URL=$DATABASE_URL ITERATIONE_TEST_REDIS_URL=$REDIS_URL
}

test_redis_up() {
  redis-server --bind 127.0.0.1 --port "$1" --save '' --appendonly no --dir "$TEST_HOME" >"$TEST_HOME/redis.log" 2>&1 9>&- &
  TEST_REDIS_PID=$!
  printf '%s %s\n' "$TEST_REDIS_PID" "$(started_at "$TEST_REDIS_PID")" >"$TEST_HOME/redis.pid"
}

# Runs that were killed could not tidy up: their servers and folders go now.
sweep_dead_tests() {
  local home pg pid start
  for home in "$LOCAL"/test/*/; do
    home=${home%/}
    read -r pid start 2>/dev/null <"$home/owner" || continue
    [[ $(started_at "$pid") != "$start" ]] || continue
    pg=$(cat "$home/pg-home" 2>/dev/null || true)
    if [[ -n $pg ]]; then
      pg_stop "$pg"
      rm -rf -- "$pg"
    fi
    if read -r pid start 2>/dev/null <"$home/redis.pid" && [[ -n $start && $(started_at "$pid") == "$start" ]]; then
      kill "$pid" 2>/dev/null || true
    fi
    rm -rf -- "$home"
  done
}

stores_thrown_away() {
  local code=$?
  trap - EXIT
  [[ -z ${TEST_REDIS_PID:-} ]] || kill "$TEST_REDIS_PID" 2>/dev/null || true
  if [[ -n ${TEST_PG_HOME:-} ]]; then
    pg_stop "$TEST_PG_HOME"
    rm -rf -- "$TEST_PG_HOME"
  fi
  [[ -z $TEST_HOME ]] || rm -rf -- "$TEST_HOME"
  exit "$code"
}

# cargo_tests NAME ARGUMENTS-OF-CARGO… : runs tests and counts them.
cargo_tests() {
  local name=$1 log=$LOGS/test-$1.log code=0 passed failed
  shift
  if has cargo-nextest; then
    # A real Docker on a machine with other work now and then stalls for seconds. A test that fails is tried once more;
    # if it passes then, it is named as flaky at the end: a defect to be mended, though not of this change.
    cargo nextest run --locked --no-fail-fast --retries 1 --status-level retry --final-status-level flaky "$@" 2>&1 |
      tee "$log" || code=$?
    mapfile -t -O ${#FLAKY[@]} FLAKY < <(sed -nE 's/^ *FLAKY [^]]*\] *(\([^)]*\) *)?/ring '"$name"': /p' "$log")
    passed=$(sum_of "$log" 'Summary' 'passed')
    failed=$(($(sum_of "$log" 'Summary' 'failed') + $(sum_of "$log" 'Summary' 'timed out')))
  else
    cargo test --locked --no-fail-fast "$@" -- --test-threads=2 2>&1 | tee "$log" || code=$?
    passed=$(sum_of "$log" '^test result:' 'passed')
    failed=$(sum_of "$log" '^test result:' 'failed')
  fi
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
  if ((failed > 0)); then
    BROKEN+=("$failed in ring $name (see .local/log/test-$name.log)")
  elif ((code != 0 || passed == 0)); then
    FAILED=$((FAILED + 1))
    BROKEN+=("ring $name did not run (see .local/log/test-$name.log)")
  fi
}

# sum_of LOG LINE WORD: the sum of the numbers before WORD in the lines that match LINE.
sum_of() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk -v line="$2" -v word="$3" '
    $0 ~ line { while (match($0, "[0-9]+ " word)) { sum += substr($0, RSTART) + 0; $0 = substr($0, RSTART + RLENGTH) } }
    END { print sum + 0 }'
}

ring_unit() {
  prepare
  cargo_tests unit --workspace --exclude iteratione-tests --tests
}

# One real jail per language: its hello program prints what it should. And what the tests from outside stand on.
ring_images() {
  prepare
  cargo_tests images -p iteratione-tests --lib --test images
}

# The running services from outside: every test program of tests/ that is no ring of its own.
ring_e2e() {
  prepare
  local programs=() file
  for file in tests/tests/*.rs; do
    file=${file##*/}
    file=${file%.rs}
    [[ $file == images || $file == attacks || $file == openapi ]] || programs+=(--test "$file")
  done
  cargo_tests e2e -p iteratione-tests "${programs[@]}"
}

# What hostile students and clients do, row by row, against the running services.
ring_attacks() {
  prepare
  cargo_tests attacks -p iteratione-tests --test attacks
}

# The OpenAPI document, tried by schemathesis against the running services. ITERATIONE_TEST_OPENAPI_EXAMPLES says how
# deep (10 requests per operation, role and phase), ITERATIONE_TEST_OPENAPI_SEED with which luck (1).
ring_openapi() {
  prepare
  schemathesis_up
  cargo_tests openapi -p iteratione-tests --test openapi
}

# schemathesis in a Python environment of its own below .local/, made anew when the list of its packages changes.
schemathesis_up() {
  local home=$LOCAL/openapi list=$ROOT/tests/openapi/requirements.txt
  if ! cmp -s "$list" "$home/requirements.txt"; then
    has python3 || want python3 python3 "runs schemathesis, which tries the OpenAPI document"
    python3 -c 'import ensurepip, venv' 2>/dev/null || want "" python3-venv "keeps schemathesis apart from the system's Python"
    install_wanted
    say "installing schemathesis (once; log in .local/log/schemathesis.log)"
    rm -rf -- "$home"
    {
      python3 -m venv "$home" &&
        "$home/bin/pip" install --disable-pip-version-check --no-input --no-deps -r "$list"
    } >"$LOGS/schemathesis.log" 2>&1 || {
      tail_of "$LOGS/schemathesis.log"
      die "schemathesis could not be installed"
    }
    cp "$list" "$home/requirements.txt"
  fi
  export ITERATIONE_TEST_SCHEMATHESIS=$home/bin/schemathesis
}
