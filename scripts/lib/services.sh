# shellcheck shell=bash
# The services: built, started in the background, watched until they are ready, stopped.

readonly API_BIN=$ROOT/target/release/iteratione-api
readonly GRADER_BIN=$ROOT/target/release/iteratione-grader
readonly RUNNER_BIN=$ROOT/target/release/iteratione-runner
readonly DEMO_BIN=$ROOT/target/release/iteratione-demo
readonly RUN_BIN=$ROOT/target/release/iteratione-run
# Of `iteratione-api seed-demo`.
readonly DEMO_STUDENT=student@demo.test DEMO_PASSWORD=iteratione-demo
# The services in the order in which they start.
readonly SERVICES=(api grader runner)

api_listen() { printf '%s' "${ITERATIONE_API__LISTEN:-127.0.0.1:8080}"; }
grader_metrics() { printf '%s' "${ITERATIONE_GRADER__METRICS_LISTEN:-127.0.0.1:9102}"; }
runner_listen() { printf '%s' "${ITERATIONE_RUNNER__LISTEN:-127.0.0.1:8081}"; }
runner_metrics() { printf '%s' "${ITERATIONE_RUNNER__METRICS_LISTEN:-127.0.0.1:9103}"; }
# An address to listen on, as one to call.
url_of() { printf 'http://%s' "${1/#0.0.0.0:/127.0.0.1:}"; }
api_url() { url_of "$(api_listen)"; }
# Where a service tells whether it is ready.
health_url() {
  case $1 in
    api) api_url ;;
    grader) url_of "$(grader_metrics)" ;;
    runner) url_of "$(runner_metrics)" ;;
  esac
}

# The harness runs in any image, with whatever C library or none: it is linked statically.
host_triple() { rustc -vV | sed -n 's/^host: //p'; }
harness_path() { printf '%s/target/%s/%s/iteratione-harness' "$ROOT" "$(host_triple)" "$1"; }

# cargo_build LOG ARGUMENTS…: a build whose output is a log; a terminal sees its progress too.
cargo_build() {
  local log=$LOGS/$1.log
  shift
  if [[ -t 2 ]]; then
    "$@" 9>&- || die "the build failed"
  else
    "$@" >"$log" 2>&1 9>&- || {
      tail_of "$log"
      die "the build failed"
    }
  fi
}

# build_harness PROFILE-FLAGS…
build_harness() {
  RUSTFLAGS="-C target-feature=+crt-static" cargo_build build-harness \
    cargo build "$@" --locked --target "$(host_triple)" -p iteratione-harness --bin iteratione-harness
}

build_services() {
  say "building the services (the first time takes some minutes; log in .local/log/build.log)"
  cargo_build build cargo build --release --locked -p iteratione-api -p iteratione-grader -p iteratione-runner \
    -p iteratione-demo -p iteratione-client -p iteratione-itr
  build_harness --release
}

# What a service is started with. What the operator has set wins.
service_env() {
  export ITERATIONE_ENV=${ITERATIONE_ENV:-dev}
  export ITERATIONE_INSTANCE=${ITERATIONE_INSTANCE:-$INSTANCE}
  export ITERATIONE_LANGUAGES_DIR=${ITERATIONE_LANGUAGES_DIR:-$ROOT/images}
  export ITERATIONE_SANDBOX__WORKSPACE_ROOT=${ITERATIONE_SANDBOX__WORKSPACE_ROOT:-$(workspace_root)}
  export ITERATIONE_SANDBOX__HARNESS=${ITERATIONE_SANDBOX__HARNESS:-$(harness_path release)}
  ITERATIONE_API__LISTEN=$(api_listen)
  export ITERATIONE_API__LISTEN
  export ITERATIONE_API__METRICS_LISTEN=${ITERATIONE_API__METRICS_LISTEN:-127.0.0.1:9101}
  ITERATIONE_GRADER__METRICS_LISTEN=$(grader_metrics)
  export ITERATIONE_GRADER__METRICS_LISTEN
  ITERATIONE_RUNNER__LISTEN=$(runner_listen)
  export ITERATIONE_RUNNER__LISTEN
  ITERATIONE_RUNNER__METRICS_LISTEN=$(runner_metrics)
  export ITERATIONE_RUNNER__METRICS_LISTEN
  export ITERATIONE_API__RUNNER_URL=${ITERATIONE_API__RUNNER_URL:-$(url_of "$(runner_listen)")}
  if [[ -z ${ITERATIONE_TICKET_KEY:-}${ITERATIONE_TICKET_KEY_FILE:-} ]]; then
    ITERATIONE_TICKET_KEY=$(secret TICKET_KEY)
    export ITERATIONE_TICKET_KEY
  fi
  # Somebody's own, for iteratione-run; no setting of a service.
  unset ITERATIONE_TOKEN ITERATIONE_PASSWORD
}

# What a running service was made of: its program, its settings and the languages it read.
print_of() {
  {
    sha256sum "$1" "$(harness_path release)" "$ROOT"/images/*/language.toml
    env | grep -E '^(ITERATIONE_|DATABASE_URL=|REDIS_URL=|DOCKER_HOST=)' | sort
  } | sha256sum | cut -d' ' -f1
}

ready() { curl -fsS -m 3 -o /dev/null "$1/readyz"; }

# addresses_of NAME: where a service listens, as "address to call" and "variable that sets it" line by line.
addresses_of() {
  case $1 in
    api) printf '%s ITERATIONE_API__LISTEN\n' "$(api_url)" ;;
    grader) printf '%s ITERATIONE_GRADER__METRICS_LISTEN\n' "$(health_url grader)" ;;
    runner)
      printf '%s ITERATIONE_RUNNER__LISTEN\n' "$(url_of "$(runner_listen)")"
      printf '%s ITERATIONE_RUNNER__METRICS_LISTEN\n' "$(health_url runner)"
      ;;
  esac
}

# address_free NAME: gives up if another program listens where this service wants to.
address_free() {
  local url variable
  daemon_alive "$1" && return 0
  while read -r url variable; do
    ! listens "${url##*:}" ||
      die "$url is taken by another program: stop that, or give $1 another address by $variable"
  done < <(addresses_of "$1")
}
# Asked before anything is built, not minutes later.
addresses_free() {
  local name
  for name in "${SERVICES[@]}"; do address_free "$name"; done
}

# How long a service may take to end what it has begun: for the runner, programs that people type into.
stop_seconds() { case $1 in api) printf 35 ;; *) printf 45 ;; esac; }

# service_up NAME PROGRAM SECONDS: started if it does not run, restarted if it runs an older build or other settings.
service_up() {
  local name=$1 program=$2 seconds=$3 url print
  url=$(health_url "$name")
  print=$(print_of "$program")
  if daemon_alive "$name"; then
    if [[ $(cat "$RUN/$name.print" 2>/dev/null) == "$print" ]] && ready "$url" 2>/dev/null; then
      note "$name runs already"
      return 0
    fi
    daemon_stop "$name" "$(stop_seconds "$name")"
  fi
  address_free "$name"
  say "starting $name"
  [[ ! -f $LOGS/$name.log ]] || mv "$LOGS/$name.log" "$LOGS/$name.log.1"
  daemon_start "$name" "$program"
  printf '%s\n' "$print" >"$RUN/$name.print"
  local deadline=$((SECONDS + seconds))
  until ready "$url" 2>/dev/null; do
    daemon_alive "$name" || {
      tail_of "$LOGS/$name.log"
      die "$name ended while starting"
    }
    ((SECONDS < deadline)) || {
      tail_of "$LOGS/$name.log"
      die "$name was not ready within $seconds s: $(curl -sS -m 3 "$url/readyz" 2>&1 | head -c 500)"
    }
    sleep 0.3
  done
}

services_up() {
  service_env
  service_up api "$API_BIN" 60
  service_up grader "$GRADER_BIN" 120
  service_up runner "$RUNNER_BIN" 120
}

services_down() {
  local name
  # Terminals first: whoever types is told, through an API that is still there.
  for name in runner grader api; do daemon_stop "$name" "$(stop_seconds "$name")"; done
  # A service that was killed leaves jails behind; they carry the instance's name.
  if engine_answers >/dev/null 2>&1; then
    local jails
    mapfile -t jails < <(docker ps -aq --filter "label=iteratione.deployment=${ITERATIONE_INSTANCE:-$INSTANCE}" 9>&-)
    ((${#jails[@]} == 0)) || docker rm -f "${jails[@]}" >/dev/null 2>&1 9>&- || true
  fi
}

demo() {
  if [[ $ITERATIONE_ENV != dev ]]; then
    note "no demo: it exists only in ITERATIONE_ENV=dev"
    return 0
  fi
  "$API_BIN" seed-demo >"$LOGS/seed-demo.log" 2>&1 9>&- || {
    tail_of "$LOGS/seed-demo.log"
    die "the demo accounts could not be made"
  }
  say "grading the demo's programs"
  "$DEMO_BIN" --url "$(api_url)" 9>&- || die "the demo was not graded as it should be"
}

# run FILE...: a program in a jail, with this terminal as its terminal; in dev as the demo's student.
run_run() {
  [[ -x $RUN_BIN ]] || die "there is no $RUN_BIN yet: ./iteratione up builds it and starts the services"
  local account=()
  if [[ ${ITERATIONE_ENV:-dev} == dev && -z ${ITERATIONE_TOKEN:-} && " $* " != *' --email'[=\ ]* && " $* " != *' --token'[=\ ]* ]]; then
    account=(--email "$DEMO_STUDENT")
    export ITERATIONE_PASSWORD=$DEMO_PASSWORD
  fi
  cd -- "$CALLED_FROM" || exit
  exec "$RUN_BIN" --url "$(api_url)" "${account[@]}" "$@"
}
