# shellcheck shell=bash
# The services: built, started in the background, watched until they are ready, stopped.

readonly API_BIN=$ROOT/target/release/iteratione-api
readonly GRADER_BIN=$ROOT/target/release/iteratione-grader
readonly DEMO_BIN=$ROOT/target/release/iteratione-demo

api_listen() { printf '%s' "${ITERATIONE_API__LISTEN:-127.0.0.1:8080}"; }
grader_metrics() { printf '%s' "${ITERATIONE_GRADER__METRICS_LISTEN:-127.0.0.1:9102}"; }
# An address to listen on, as one to call.
url_of() { printf 'http://%s' "${1/#0.0.0.0:/127.0.0.1:}"; }
api_url() { url_of "$(api_listen)"; }

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
  cargo_build build cargo build --release --locked -p iteratione-api -p iteratione-grader -p iteratione-demo
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
}

# What a running service was made of: its program, its settings and the languages it read.
print_of() {
  {
    sha256sum "$1" "$(harness_path release)" "$ROOT"/images/*/language.toml
    env | grep -E '^(ITERATIONE_|DATABASE_URL=|REDIS_URL=|DOCKER_HOST=)' | sort
  } | sha256sum | cut -d' ' -f1
}

ready() { curl -fsS -m 3 -o /dev/null "$1/readyz"; }

# What sets a service's address.
listen_variable() { case $1 in api) printf ITERATIONE_API__LISTEN ;; *) printf 'ITERATIONE_%s__METRICS_LISTEN' "${1^^}" ;; esac; }

# address_free NAME URL: gives up if another program listens there.
address_free() {
  daemon_alive "$1" || ! listens "${2##*:}" ||
    die "$2 is taken by another program: stop that, or give $1 another address by $(listen_variable "$1")"
}
# Asked before anything is built, not minutes later.
addresses_free() {
  address_free api "$(api_url)"
  address_free grader "$(url_of "$(grader_metrics)")"
}

# service_up NAME PROGRAM URL SECONDS: started if it does not run, restarted if it runs an older build or other settings.
service_up() {
  local name=$1 program=$2 url=$3 seconds=$4 print
  print=$(print_of "$program")
  if daemon_alive "$name"; then
    if [[ $(cat "$RUN/$name.print" 2>/dev/null) == "$print" ]] && ready "$url" 2>/dev/null; then
      note "$name runs already"
      return 0
    fi
    daemon_stop "$name" 35
  fi
  address_free "$name" "$url"
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
  service_up api "$API_BIN" "$(api_url)" 60
  service_up grader "$GRADER_BIN" "$(url_of "$(grader_metrics)")" 120
}

services_down() {
  daemon_stop grader 40
  daemon_stop api 35
  # A grader that was killed leaves jails behind; they carry the instance's name.
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
