source "$(dirname -- "$0")/numbers.sh"
echo "$((six * $(seven)))"
