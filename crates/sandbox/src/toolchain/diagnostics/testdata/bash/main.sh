# main.sh: line 99: in a comment
if true; then
  echo "main.sh: line 98: in a string"
for x in 1 2; do
  echo $x
fi
