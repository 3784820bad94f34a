# shellcheck shell=bash
# What the script says, and how it gives up. The colours are used by the other pieces too.
# shellcheck disable=SC2034

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  readonly BOLD=$'\e[1m' RED=$'\e[31m' YELLOW=$'\e[33m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
  readonly BOLD='' RED='' YELLOW='' GREEN='' PLAIN=''
fi

say() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"; }
note() { printf '    %s\n' "$*"; }
warn() { printf '%swarning:%s %s\n' "$YELLOW" "$PLAIN" "$*" >&2; }
die() {
  printf '%serror:%s %s\n' "$RED" "$PLAIN" "$*" >&2
  exit 1
}

# tail_of LOG: what a log ends with, for an error message.
tail_of() {
  [[ -s $1 ]] || return 0
  printf -- '--- the end of %s\n' "$1" >&2
  tail -n 30 -- "$1" >&2
  printf -- '---\n' >&2
}

run_logs() {
  local follow=() files=() name
  for name in "$@"; do
    case $name in
      -f | --follow) follow=(-F) ;;
      *)
        [[ -f $LOGS/$name.log ]] || die "no log of '$name'; there are: $(log_names)"
        files+=("$LOGS/$name.log")
        ;;
    esac
  done
  if ((${#files[@]} == 0)); then
    mapfile -t files < <(find "$LOGS" -maxdepth 1 -name '*.log' 2>/dev/null | sort)
    ((${#files[@]})) || die "there are no logs yet; ./iteratione up makes them"
  fi
  tail -n 100 "${follow[@]}" -- "${files[@]}"
}

log_names() { find "$LOGS" -maxdepth 1 -name '*.log' -printf '%f\n' 2>/dev/null | sed 's/\.log$//' | sort | tr '\n' ' '; }
