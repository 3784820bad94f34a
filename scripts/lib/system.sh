# shellcheck shell=bash
# The machine: settings, state between runs, packages, ports, background processes.

readonly LOCAL=$ROOT/.local
readonly LOGS=$LOCAL/log
readonly RUN=$LOCAL/run
readonly STATE=$LOCAL/state.env
# One checkout is one instance: its containers, folders and data carry this name and nobody else's are touched.
INSTANCE=$(printf '%s' "$ROOT" | sha256sum | cut -c1-12)
export INSTANCE
readonly INSTANCE

is_root() { ((EUID == 0)); }
is_debian() { [[ -r /etc/debian_version ]] && command -v apt-get >/dev/null; }
has() { command -v "$1" >/dev/null 2>&1; }

# Reads .env (KEY=VALUE lines, never evaluated; what is set already wins) and the state of earlier runs.
load_settings() {
  mkdir -p "$LOGS" "$RUN"
  local line key value
  if [[ -f $ROOT/.env ]]; then
    while IFS= read -r line || [[ -n $line ]]; do
      [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
      key=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
      [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]] && value=${BASH_REMATCH[1]}
      [[ -n ${!key+set} || -z $value ]] || export "$key=$value"
    done <"$ROOT/.env"
  fi
  GIVEN_DATABASE_URL=${DATABASE_URL:-} GIVEN_REDIS_URL=${REDIS_URL:-}
  # Queries are checked against the metadata in the repository, not against a server that happens to be there.
  [[ ! -d $ROOT/.sqlx ]] || export SQLX_OFFLINE=true
}

# One `up` or `down` at a time. Whatever is started in the background gets 9>&-, or it would keep the lock.
lock() {
  exec 9>"$LOCAL/lock"
  flock -w 5 9 || die "another ./iteratione is at work in this checkout"
}

# state KEY: a value remembered from an earlier run, or nothing. remember KEY VALUE keeps one.
state() { [[ ! -f $STATE ]] || sed -n "s/^$1=//p" "$STATE" | tail -n 1; }
remember() {
  local rest=''
  [[ ! -f $STATE ]] || rest=$(grep -v "^$1=" "$STATE" || true)
  (
    umask 077
    printf '%s%s=%s\n' "${rest:+$rest$'\n'}" "$1" "$2" >"$STATE.new"
  )
  mv "$STATE.new" "$STATE"
}
# secret KEY: a random secret, made once.
secret() {
  local value
  value=$(state "$1")
  if [[ -z $value ]]; then
    value=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    remember "$1" "$value"
  fi
  printf '%s' "$value"
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  for _ in {1..50}; do
    port=$((RANDOM % 12000 + 20000))
    listens "$port" || {
      printf '%s' "$port"
      return
    }
  done
  die "no free port found between 20000 and 32000"
}

# --- packages -------------------------------------------------------------------------------------------------------

# want PROGRAM PACKAGE WHY: notes a package whose program is missing.
WANTED=() WANTED_WHY=()
want() {
  has "$1" && return 0
  [[ " ${WANTED[*]} " != *" $2 "* ]] || return 0
  WANTED+=("$2")
  WANTED_WHY+=("$2 — $3")
}

# Installs what want() noted: on Debian as root. Anywhere else it lists what is missing and gives up.
install_wanted() {
  ((${#WANTED[@]})) || return 0
  local why
  if ! is_root || ! is_debian; then
    printf '%smissing:%s\n' "$RED" "$PLAIN" >&2
    for why in "${WANTED_WHY[@]}"; do printf '  %s (Debian package)\n' "$why" >&2; done
    die "install these and try again; only on Debian and as root this script does it itself"
  fi
  say "installing from Debian's packages"
  for why in "${WANTED_WHY[@]}"; do note "$why"; done
  # The services are used through instances of our own: nothing of these packages may start by itself.
  local policy=/usr/sbin/policy-rc.d made=0 ok=1
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made=1
  fi
  if [[ " ${WANTED[*]} " == *" postgresql "* ]]; then
    mkdir -p /etc/postgresql-common/createcluster.d
    printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.d/iteratione.conf
  fi
  {
    apt-get update || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${WANTED[@]}" || ok=0
  } >"$LOGS/apt.log" 2>&1 9>&- </dev/null
  ((made == 0)) || rm -f "$policy"
  ((ok)) || {
    tail_of "$LOGS/apt.log"
    die "apt-get could not install ${WANTED[*]}"
  }
  if [[ " ${WANTED[*]} " == *" redis-server "* && -d /run/systemd/system ]]; then
    systemctl disable --now redis-server >/dev/null 2>&1 || true
  fi
  WANTED=() WANTED_WHY=()
}

# need_room up|test: a first build that would fill the disk is not begun. Measured: images 2 GiB, the rest is `target`.
need_room() {
  local free wanted=5000
  [[ ! -d $ROOT/target ]] || return 0
  [[ $1 == up ]] || wanted=9000
  free=$(df -Pm "$ROOT" | awk 'NR == 2 { print $4 }')
  ((free >= wanted)) || die "$free MiB are free on the disk of $ROOT; the first '$1' needs $wanted MiB"
}

# need_programs up|test: everything that must be there before the work starts.
need_programs() {
  need_room "$1"
  want curl curl "asks the services whether they are ready"
  want cc gcc "links the Rust programs"
  [[ -e /usr/include/stdio.h ]] || ! is_debian || want "" libc6-dev "the C library, to link the harness statically"
  want_engine
  [[ $1 == up && -n $GIVEN_DATABASE_URL ]] || postgres_bin >/dev/null || want "" postgresql "the private PostgreSQL instance"
  [[ $1 == up && -n $GIVEN_REDIS_URL ]] || want redis-server redis-server "the private Redis instance"
  [[ $1 != test ]] || want shellcheck shellcheck "lints this script"
  [[ $1 != test ]] || static_busybox || want "" busybox-static "an image of one static program, as a test of the harness"
  install_wanted
  need_rust
}

# Whether there is a busybox that needs no C library.
static_busybox() { has busybox && ! ldd "$(command -v busybox)" 2>/dev/null | grep -q '=>'; }

# The oldest compiler that the workspace builds with.
rust_wanted() { sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml" | head -n 1; }
rust_found() { rustc --version 2>/dev/null | cut -d' ' -f2; }
at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

need_rust() {
  [[ :$PATH: == *:$HOME/.cargo/bin:* ]] || PATH=$HOME/.cargo/bin:$PATH
  if ! has cargo && is_root && is_debian && [[ -n $(apt-cache policy rustup 2>/dev/null) ]]; then
    want rustup rustup "installs the Rust toolchain (Debian's own is too old)"
    install_wanted
    say "installing the stable Rust toolchain by rustup"
    {
      rustup toolchain install stable --profile minimal -c rustfmt -c clippy && rustup default stable
    } >"$LOGS/rustup.log" 2>&1 || tail_of "$LOGS/rustup.log"
  fi
  has cargo || die "there is no Rust toolchain: install Rust $(rust_wanted) or newer from https://rustup.rs and try again"
  at_least "$(rust_wanted)" "$(rust_found)" ||
    die "Rust $(rust_found) is too old: $(rust_wanted) or newer is needed (rustup update)"
}

# --- background processes -------------------------------------------------------------------------------------------

# A pid alone may have been given to another process meanwhile; with its start time it names one process for ever.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# daemon_start NAME COMMAND…: starts a process of its own session, its output in the log.
daemon_start() {
  local name=$1 pid
  shift
  setsid nohup "$@" >>"$LOGS/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  disown
  printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$RUN/$name.pid"
}

# daemon_pid NAME: the pid if that very process still runs.
daemon_pid() {
  local pid start
  read -r pid start 2>/dev/null <"$RUN/$1.pid" || return 1
  [[ -n $start && $(started_at "$pid") == "$start" ]] || return 1
  printf '%s' "$pid"
}
daemon_alive() { daemon_pid "$1" >/dev/null; }

# daemon_stop NAME SECONDS: asks it to end, and ends it if it does not.
daemon_stop() {
  local pid deadline=$((SECONDS + $2))
  if pid=$(daemon_pid "$1"); then
    say "stopping $1"
    kill -TERM "$pid" 2>/dev/null || true
    while daemon_alive "$1" && ((SECONDS < deadline)); do sleep 0.1; done
    if daemon_alive "$1"; then
      warn "$1 did not stop within $2 s and is killed"
      kill -KILL "$pid" 2>/dev/null || true
      sleep 0.2
    fi
  fi
  rm -f "$RUN/$1.pid" "$RUN/$1.print"
}

# wait_for SECONDS COMMAND…: until the command succeeds.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}
