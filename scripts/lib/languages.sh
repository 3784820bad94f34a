# shellcheck shell=bash
# Which languages there are, and how to have more of them than the core.

# languages: a table of all. languages ID... | all: builds the images of these and runs their tests.
run_languages() {
  if (($# == 0)); then
    list_languages
    return
  fi
  local ids="$*"
  language_folders "$ids" >/dev/null
  need_programs test
  engine_up
  images_up "$ids"
  workspace_up
  build_harness
  ITERATIONE_TEST_HARNESS=$(harness_path debug)
  export ITERATIONE_TEST_HARNESS ITERATIONE_TEST_LANGUAGES="$ids" ITERATIONE_TEST_LANGUAGES_DIR=$ROOT/images
  export CARGO_TERM_COLOR=never
  local shown=()
  ! has cargo-nextest || shown=(--success-output final)
  cargo_tests languages -p iteratione-tests --test images "${shown[@]}"
  ((${#BROKEN[@]} == 0)) || printf 'failed: %s\n' "${BROKEN[@]}"
  printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
  ((FAILED == 0 && PASSED > 0)) || return 1
  note "to offer them: ITERATIONE_LANGUAGES in .env, e.g. $(offered "$ids"), then ./iteratione up"
}

list_languages() {
  local folder id image kind offered size format='%-12s %-26s %-6s %-8s %10s  %s\n' chosen
  chosen=$(language_folders) || exit
  # shellcheck disable=SC2059
  printf "$format" id name core offered size image
  for folder in $(language_folders all); do
    id=${folder##*/} image=$(image_of "$folder") kind=no offered=no
    ! is_core "$folder" || kind=yes
    ! grep -qx -- "$folder" <<<"$chosen" || offered=yes
    size=$(docker image inspect -f '{{.Size}}' "$image" 2>/dev/null) && size="$((size / 1000000)) MB" || size='not built'
    # shellcheck disable=SC2059
    printf "$format" "$id" "$(sed -n 's/^name *= *"\([^"]*\)".*/\1/p' "$folder/language.toml")" "$kind" "$offered" "$size" "$image"
  done
}

# offered IDS: what to set ITERATIONE_LANGUAGES to, for what is offered now and these.
offered() {
  [[ " $1 " != *' all '* ]] || {
    echo all
    return
  }
  { language_folders && language_folders "$1"; } | sed 's|.*/||' | sort -u | paste -sd, -
}
