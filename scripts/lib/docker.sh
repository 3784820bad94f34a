# shellcheck shell=bash
# The Docker engine, the base image, the image of each language, the workspace folder.

readonly BASE_IMAGE=debian:trixie-slim
workspace_root() { printf '%s' "${ITERATIONE_SANDBOX__WORKSPACE_ROOT:-/iteratione-workspaces}"; }

engine_answers() { timeout 10 docker version -f '{{.Server.APIVersion}}' 9>&-; }

want_engine() {
  want docker docker.io "runs the jails: the Docker engine and its client"
  engine_answers >/dev/null 2>&1 || [[ -n ${DOCKER_HOST:-} ]] || want dockerd docker.io "runs the jails: the Docker engine"
}

engine_up() {
  engine_answers >/dev/null 2>&1 && return 0
  [[ -z ${DOCKER_HOST:-} ]] || die "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST"
  is_root || die "no Docker engine answers: start one, and let this user use it (group docker)"
  if [[ -d /run/systemd/system ]]; then
    say "starting the Docker engine (systemctl start docker)"
    systemctl start docker || die "systemctl could not start docker: see journalctl -u docker"
    remember ENGINE systemd
  else
    say "starting a Docker engine in the background"
    # A pid file left by an engine that was killed would stop this one from starting.
    [[ ! -f /var/run/docker.pid ]] || kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null || rm -f /var/run/docker.pid
    daemon_start dockerd dockerd
    remember ENGINE ours
  fi
  wait_for 60 engine_answers || {
    tail_of "$LOGS/dockerd.log"
    die "the Docker engine did not answer within 60 s"
  }
}

# Stops an engine that `up` started, unless somebody else's containers have come to live on it.
engine_down() {
  local engine others
  engine=$(state ENGINE)
  [[ -n $engine ]] || return 0
  if engine_answers >/dev/null 2>&1; then
    others=$(docker ps -q 9>&- | wc -l)
    if ((others > 0)); then
      note "the Docker engine stays: $others other containers run on it"
      return 0
    fi
  fi
  case $engine in
    ours) daemon_stop dockerd 30 ;;
    systemd) systemctl stop docker.socket docker ;;
  esac
  remember ENGINE ''
}

base_image_up() {
  docker image inspect "$BASE_IMAGE" >/dev/null 2>&1 && return 0
  say "fetching $BASE_IMAGE, the ground of the language images"
  timeout 300 docker pull -q "$BASE_IMAGE" >"$LOGS/pull.log" 2>&1 9>&- && return 0
  note "it cannot be pulled here ($(tail -n 1 "$LOGS/pull.log" | cut -c1-120)); bootstrapping it from Debian's packages"
  want mmdebstrap mmdebstrap "makes the base image without a container registry"
  install_wanted
  mmdebstrap --variant=minbase trixie - 2>"$LOGS/mmdebstrap.log" 9>&- |
    docker import -c 'CMD ["bash"]' - "$BASE_IMAGE" >/dev/null 9>&- || {
    tail_of "$LOGS/mmdebstrap.log"
    die "the base image could not be made"
  }
}

# language_folders [IDS]: the folders of these languages, a list as ITERATIONE_LANGUAGES has it; without one, of those
# that the operator chose; without a choice, of those that are core.
language_folders() {
  local choice=${1-${ITERATIONE_LANGUAGES-}} folder id there=()
  choice=" ${choice//,/ } "
  mapfile -t there < <(find "${ROOT:?}/images" -mindepth 2 -maxdepth 2 -name language.toml -printf '%h\n' | sort)
  for id in $choice; do
    [[ $id == all || " ${there[*]##*/} " == *" $id "* ]] || die "there is no language $id; there are: ${there[*]##*/}"
  done
  for folder in "${there[@]}"; do
    if [[ $choice == *' all '* || $choice == *" ${folder##*/} "* ]] || { [[ -z ${choice// /} ]] && is_core "$folder"; }; then
      printf '%s\n' "$folder"
    fi
  done
}
is_core() { ! grep -q '^core *= *false' "$1/language.toml"; }
image_of() { sed -n 's/^image *= *"\([^"]*\)".*/\1/p' "$1/language.toml" | head -n 1; }

# What an image is made of: the files of its folder, but for those that only the services and the tests read.
readonly NO_PART_OF_IMAGE=(./language.toml ./hello ./samples)

image_context() { tar -C "$1" "${NO_PART_OF_IMAGE[@]/#/--exclude=}" -c .; }

# That, and the base. The image carries it as a label, so that an unchanged folder costs one inspection.
image_hash() {
  local prune=() path
  for path in "${NO_PART_OF_IMAGE[@]}"; do prune+=(-path "$path" -prune -o); done
  {
    docker image inspect -f '{{.Id}}' "$BASE_IMAGE"
    cd "$1" && find . "${prune[@]}" -type f -print0 | sort -z | xargs -0 sha256sum
  } | sha256sum | cut -c1-16
}

# images_up [IDS]: builds (or, for a folder without a Dockerfile, pulls) the image of each of these languages.
images_up() {
  local folder folders id image hash
  folders=$(language_folders "$@") || exit
  for folder in $folders; do
    id=${folder##*/} image=$(image_of "$folder")
    [[ -n $image ]] || die "$folder/language.toml names no image"
    if [[ ! -f $folder/Dockerfile ]]; then
      docker image inspect "$image" >/dev/null 2>&1 || {
        say "pulling $image for $id"
        timeout 600 docker pull -q "$image" 9>&- || die "$image could not be pulled"
      }
      continue
    fi
    base_image_up
    hash=$(image_hash "$folder")
    [[ $(docker image inspect -f '{{index .Config.Labels "iteratione.build-hash"}}' "$image" 2>/dev/null) == "$hash" ]] && continue
    say "building $image"
    # The host's network: a machine without a bridge or with its own resolver builds all the same.
    image_context "$folder" |
      docker build --network host --label "iteratione.build-hash=$hash" -t "$image" - \
        >"$LOGS/image-$id.log" 2>&1 9>&- || {
      tail_of "$LOGS/image-$id.log"
      die "$image could not be built"
    }
  done
}

workspace_up() {
  local root
  root=$(workspace_root)
  [[ -d $root ]] || mkdir -p "$root" 2>/dev/null || die "cannot make $root: as root, mkdir $root && chown $(id -un) $root"
  [[ -w $root ]] || die "$root is not writable: as root, chown $(id -un) $root"
}
