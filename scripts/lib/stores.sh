# shellcheck shell=bash
# Private PostgreSQL and Redis: one pair for `up` with its data under .local/, a throw-away pair for the tests.

# Where PostgreSQL's programs are: a cluster wants the version that made it ($1, may be empty).
postgres_bin() {
  local wanted=${1:-} dir
  for dir in $(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -Vr) "$(pg_config --bindir 2>/dev/null)" \
    "$(dirname -- "$(command -v initdb || echo /nowhere)")"; do
    [[ -x $dir/initdb && -x $dir/pg_ctl ]] || continue
    [[ -z $wanted || $("$dir/postgres" --version) == *" $wanted"[.\ ]* ]] || continue
    printf '%s' "$dir"
    return 0
  done
  return 1
}

# initdb and postgres refuse to be root: as root they run as the user `postgres`.
pg_user() { if is_root; then printf postgres; else id -un; fi; }
as_pg() {
  if is_root; then
    (cd / && setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/tmp "$@" 9>&-)
  else
    (cd / && "$@" 9>&-)
  fi
}

# pg_home FOLDER: FOLDER if that user can live there (a checkout under /root is closed to it), else a folder of this
# checkout under /var/lib.
pg_home() {
  local folder=$1
  mkdir -p "$folder"
  if is_root; then
    chown postgres: "$folder"
    if ! as_pg test -w "$folder" 2>/dev/null; then
      rmdir "$folder"
      folder=/var/lib/iteratione/$INSTANCE/${folder##*/}
      mkdir -p "$folder"
      chown postgres: "$folder"
    fi
  fi
  printf '%s' "$folder"
}

# pg_start HOME PORT PASSWORD MODE: starts the cluster in HOME, made first if it is not there. MODE `durable` is for
# `up`; `throwaway` is quick, forgets everything in a crash, and its role may create databases.
pg_start() {
  local home=$1 port=$2 password=$3 mode=$4 data=$1/data bin sockets=$1
  bin=$(postgres_bin "$(cat "$data/PG_VERSION" 2>/dev/null || true)") ||
    die "$data was made by PostgreSQL $(cat "$data/PG_VERSION"), whose programs are not installed"
  # The path of a socket is at most 107 bytes.
  if ((${#home} > 85)); then
    sockets=/tmp/iteratione-$INSTANCE-$port
    mkdir -p "$sockets"
    chmod 700 "$sockets"
    ! is_root || chown postgres: "$sockets"
  fi
  if [[ ! -s $data/PG_VERSION ]]; then
    as_pg "$bin/initdb" -D "$data" -U "$(pg_user)" --auth-local=peer --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8 \
      >"$LOGS/initdb.log" 2>&1 || {
      tail_of "$LOGS/initdb.log"
      die "PostgreSQL's data could not be made in $data"
    }
  fi
  local options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$sockets -c max_connections=300"
  [[ $mode == durable ]] || options+=" -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
  as_pg "$bin/pg_ctl" -D "$data" -l "$home/postgres.log" -o "$options" -w -t 60 start >"$LOGS/pg_ctl.log" 2>&1 || {
    tail_of "$LOGS/pg_ctl.log"
    tail_of "$home/postgres.log"
    die "PostgreSQL did not start"
  }
  local psql=("$bin/psql" -qAtX -v ON_ERROR_STOP=1 -h "$sockets" -p "$port" -d postgres)
  local verb=create rights=nosuperuser
  [[ $mode == durable ]] || rights=superuser
  [[ $(as_pg "${psql[@]}" -c "select 1 from pg_roles where rolname = 'iteratione'") != 1 ]] || verb=alter
  # Each time: the data may be older than .local/ and its password. By standard input: an argument is there for all to read.
  printf "%s role iteratione login %s password '%s';\n" "$verb" "$rights" "$password" | as_pg "${psql[@]}"
  if [[ $(as_pg "${psql[@]}" -c "select 1 from pg_database where datname = 'iteratione'") != 1 ]]; then
    as_pg "${psql[@]}" -c 'create database iteratione owner iteratione'
  fi
}

pg_runs() {
  local data=$1/data bin
  [[ -s $data/PG_VERSION ]] && bin=$(postgres_bin "$(cat "$data/PG_VERSION")") &&
    as_pg "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1
}

pg_stop() {
  local data=$1/data bin
  pg_runs "$1" || return 0
  bin=$(postgres_bin "$(cat "$data/PG_VERSION")")
  as_pg "$bin/pg_ctl" -D "$data" -m fast -w -t 60 stop >/dev/null 2>&1 || warn "PostgreSQL in $data did not stop"
}

# own_port KEY: the port of an earlier run, or another one if somebody took it meanwhile.
own_port() {
  local port
  port=$(state "$1")
  if [[ -z $port ]] || listens "$port"; then
    port=$(free_port)
    remember "$1" "$port"
  fi
  printf '%s' "$port"
}

redis_ping() { REDISCLI_AUTH=$2 redis-cli -h 127.0.0.1 -p "$1" ping 2>/dev/null | grep -qx PONG; }

# Sets DATABASE_URL and REDIS_URL: those given, or those of the private instances, which it starts.
stores_up() {
  local port password home
  if [[ -z $GIVEN_DATABASE_URL ]]; then
    home=$(state PG_HOME)
    if [[ -z $home ]]; then
      home=$(pg_home "$LOCAL/postgres")
      remember PG_HOME "$home"
    fi
    password=$(secret PG_PASSWORD)
    if ! pg_runs "$home"; then
      port=$(own_port PG_PORT)
      say "starting a private PostgreSQL on 127.0.0.1:$port, data in $home"
      pg_start "$home" "$port" "$password" durable
      ln -sfn "$home/postgres.log" "$LOGS/postgres.log"
    fi
    DATABASE_URL=postgres://iteratione:$password@127.0.0.1:$(state PG_PORT)/iteratione
    export DATABASE_URL
  fi
  if [[ -z $GIVEN_REDIS_URL ]]; then
    password=$(secret REDIS_PASSWORD)
    if ! daemon_alive redis; then
      port=$(own_port REDIS_PORT)
      say "starting a private Redis on 127.0.0.1:$port, data in $LOCAL/redis"
      mkdir -p "$LOCAL/redis"
      (
        umask 077
        cat >"$LOCAL/redis/redis.conf" <<CONF
bind 127.0.0.1
port $port
requirepass $password
dir $LOCAL/redis
appendonly yes
maxmemory-policy noeviction
daemonize no
CONF
      )
      daemon_start redis redis-server "$LOCAL/redis/redis.conf"
    fi
    port=$(state REDIS_PORT)
    wait_for 30 redis_ping "$port" "$password" || {
      tail_of "$LOGS/redis.log"
      die "Redis did not answer on 127.0.0.1:$port"
    }
    export REDIS_URL="redis://:$password@127.0.0.1:$port/"
  fi
}

stores_down() {
  local home
  daemon_stop redis 20
  home=$(state PG_HOME)
  if [[ -n $home ]] && pg_runs "$home"; then
    say "stopping postgres"
    pg_stop "$home"
  fi
}
