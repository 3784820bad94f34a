# shellcheck shell=bash
# Each prerequisite: is it there, and if not, how to mend it. Changes nothing.

MISSING=0

good() { printf '  %sok%s       %-18s %s\n' "$GREEN" "$PLAIN" "$1" "$2"; }
so_so() { printf '  %swarning%s  %-18s %s\n' "$YELLOW" "$PLAIN" "$1" "$2"; }
bad() {
  printf '  %smissing%s  %-18s %s\n' "$RED" "$PLAIN" "$1" "$2"
  [[ -z ${3:-} ]] || printf '           %-18s mend: %s\n' '' "$3"
  MISSING=$((MISSING + 1))
}

run_doctor() {
  (($# == 0)) || die "'doctor' takes no arguments"
  printf 'tools\n'
  doctor_tools
  printf 'Docker\n'
  doctor_docker
  printf 'machine\n'
  doctor_machine
  printf 'stores and services\n'
  doctor_stores
  doctor_services
  if ((MISSING)); then
    printf '%d missing. As root on Debian, ./iteratione up mends most of it by itself.\n' "$MISSING"
    return 1
  fi
  printf 'nothing is missing\n'
}

doctor_tools() {
  local tool
  [[ :$PATH: == *:$HOME/.cargo/bin:* ]] || PATH=$HOME/.cargo/bin:$PATH
  if has cargo && at_least "$(rust_wanted)" "$(rust_found)"; then
    good rust "$(rust_found)"
  else
    bad rust "Rust $(rust_wanted) or newer, found: $(rust_found)" "install it from https://rustup.rs, or: rustup update"
  fi
  for tool in cc curl; do
    if has "$tool"; then good "$tool" "$(command -v "$tool")"; else bad "$tool" "" "apt-get install ${tool/#cc/gcc}"; fi
  done
  for tool in cargo-nextest cargo-deny shellcheck; do
    if has "$tool"; then good "$tool" "for ./iteratione test"; else so_so "$tool" "not there; ./iteratione test does without or installs it"; fi
  done
}

doctor_docker() {
  local api info cgroup runc image folder
  if ! has docker; then
    bad docker "no client" "apt-get install docker.io"
    return
  fi
  if ! api=$(engine_answers 2>&1); then
    bad engine "no answer${DOCKER_HOST:+ at $DOCKER_HOST}: ${api:0:120}" "start it (systemctl start docker), join the group docker, or run ./iteratione up as root"
    return
  fi
  if at_least 1.41 "$api"; then
    good engine "$(docker version -f '{{.Server.Version}}'), API $api"
  else
    bad engine "API $api is older than 1.41" "install Docker 20.10 or newer"
  fi
  info=$(timeout 20 docker info -f '{{.CgroupVersion}} {{.CgroupDriver}} {{.MemoryLimit}} {{.SwapLimit}} {{.CPUCfsQuota}} {{.PidsLimit}} {{.Driver}}' 2>/dev/null || true)
  read -r -a cgroup <<<"$info"
  good cgroups "version ${cgroup[0]}, driver ${cgroup[1]}, storage ${cgroup[6]}"
  [[ ${cgroup[2]} == true && ${cgroup[4]} == true && ${cgroup[5]} == true ]] ||
    bad limits "the engine cannot limit memory, CPU or processes (${cgroup[*]:2:4})" "mount the cgroup controllers memory, cpu and pids (package cgroupfs-mount without systemd)"
  [[ ${cgroup[3]} == true ]] || so_so "swap limit" "not available: a program may use swap beyond its memory limit; turn swap off"
  if timeout 20 docker info -f '{{.SecurityOptions}}' 2>/dev/null | grep -q seccomp; then
    good seccomp "filters system calls"
  else
    bad seccomp "the engine has none" "use a kernel and an engine with seccomp"
  fi
  runc=$(timeout 20 docker info 2>/dev/null | sed -n 's/^ *runc version: *//p' || true)
  doctor_runc "$runc"
  for folder in $(language_folders); do
    image=$(image_of "$folder")
    if docker image inspect "$image" >/dev/null 2>&1; then
      good "image ${folder##*/}" "$image $(docker image inspect -f '{{.Id}}' "$image" | cut -c8-19)"
    else
      bad "image ${folder##*/}" "$image" "./iteratione up builds it"
    fi
  done
}

# Escapes to the host: CVE-2024-21626 is mended in 1.1.12, CVE-2025-31133, -52565 and -52881 in 1.2.8, 1.3.3 and 1.4.
doctor_runc() {
  local found=$1 version=${1%%[+~-]*} package
  [[ $version == v* ]] && version=${version#v}
  if [[ -z $version || ! $version =~ ^[0-9]+\.[0-9]+ ]]; then
    so_so runc "its version cannot be read (${found:-nothing})"
  elif at_least 1.2.8 "$version" && ! { [[ $version == 1.3.* ]] && ! at_least 1.3.3 "$version"; }; then
    good runc "$version"
  else
    package=$(dpkg-query -W -f '${Version}' runc 2>/dev/null || true)
    if [[ -n $package ]]; then
      so_so runc "$package: older than 1.2.8; safe only if Debian's security updates are in (apt-get install --only-upgrade runc)"
    else
      bad runc "$version has known ways out of a container" "upgrade runc to 1.2.8, 1.3.3 or newer"
    fi
  fi
}

doctor_machine() {
  local root free probe controller
  root=$(workspace_root)
  if [[ ! -d $root ]]; then
    bad workspace "$root" "mkdir $root (./iteratione up does, as root)"
  elif [[ ! -w $root ]]; then
    bad workspace "$root is not writable" "chown $(id -un) $root"
  elif engine_answers >/dev/null 2>&1 && docker image inspect "$BASE_IMAGE" >/dev/null 2>&1; then
    # The engine must see the folder under the same path as the services: it may be on another machine, or in a VM.
    probe=$(mktemp "$root/.doctor-XXXXXX")
    chmod 644 "$probe"
    printf probe >"$probe"
    if [[ $(timeout 30 docker run --rm --network none -v "$root:$root:ro" "$BASE_IMAGE" cat "$probe" 2>/dev/null) == probe ]]; then
      good workspace "$root, the same for the engine"
    else
      bad workspace "the engine does not see $root as this machine does" "run the services where the engine runs, with $root at the same path"
    fi
    rm -f "$probe"
  else
    so_so workspace "$root (no engine or base image to prove it with)"
  fi
  free=$(df -Pm "$([[ -d $root ]] && echo "$root" || echo /)" | awk 'NR == 2 { print $4 }')
  if ((free > 5000)); then good disk "$((free / 1024)) GiB free"; else bad disk "$free MiB free" "images and builds need 5 GiB"; fi
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    for controller in cpu memory pids; do
      grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers || bad "cgroup $controller" "the controller is off" "enable it on the kernel's command line"
    done
  else
    for controller in cpu cpuacct memory pids; do
      [[ -d /sys/fs/cgroup/$controller ]] || bad "cgroup $controller" "the controller is not mounted" "apt-get install cgroupfs-mount && cgroupfs-mount"
    done
  fi
  good kernel "$(uname -sr)"
}

doctor_stores() {
  local address
  if [[ -n $GIVEN_DATABASE_URL ]]; then
    address=$(host_port "$GIVEN_DATABASE_URL" 5432)
    if reachable "$address"; then good postgresql "given, $address listens"; else bad postgresql "nothing listens at $address" "start it, or unset DATABASE_URL for a private one"; fi
  elif ! postgres_bin >/dev/null; then
    bad postgresql "no programs" "apt-get install postgresql"
  elif [[ -n $(state PG_HOME) ]] && pg_runs "$(state PG_HOME)"; then
    good postgresql "private, on 127.0.0.1:$(state PG_PORT), data in $(state PG_HOME)"
  else
    good postgresql "programs in $(postgres_bin); the private instance is not running"
  fi
  if [[ -n $GIVEN_REDIS_URL ]]; then
    address=$(host_port "$GIVEN_REDIS_URL" 6379)
    if reachable "$address"; then good redis "given, $address listens"; else bad redis "nothing listens at $address" "start it, or unset REDIS_URL for a private one"; fi
  elif ! has redis-server; then
    bad redis "no program" "apt-get install redis-server"
  elif daemon_alive redis; then
    good redis "private, on 127.0.0.1:$(state REDIS_PORT)"
  else
    good redis "$(command -v redis-server); the private instance is not running"
  fi
}

# host_port URL DEFAULT-PORT: host:port of a URL.
host_port() {
  local rest=${1#*://}
  rest=${rest##*@}
  rest=${rest%%[/?]*}
  [[ $rest == *:* ]] || rest+=:$2
  printf '%s' "$rest"
}
# shellcheck disable=SC2016 # the inner shell expands them
reachable() { timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "${1%:*}" "${1##*:}" 2>/dev/null; }

doctor_services() {
  local name url address variable taken
  for name in "${SERVICES[@]}"; do
    url=$(health_url "$name")
    if daemon_alive "$name"; then
      if ready "$url" 2>/dev/null; then
        good "$name" "ready at $url"
      else
        bad "$name" "runs, but is not ready: $(curl -sS -m 3 "$url/readyz" 2>&1 | head -c 300)" "./iteratione logs $name"
      fi
    else
      taken=''
      while read -r address variable; do
        listens "${address##*:}" || continue
        taken=yes
        bad "$name" "its address $address is taken by another program" "stop that, or set $variable"
      done < <(addresses_of "$name")
      [[ -n $taken ]] || good "$name" "not running, $url is free"
    fi
  done
}
