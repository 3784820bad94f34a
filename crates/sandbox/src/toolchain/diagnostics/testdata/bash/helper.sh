f() {
  echo "unfinished
}
