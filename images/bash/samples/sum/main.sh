total=0
while read -r -a numbers || ((${#numbers[@]})); do
  for n in "${numbers[@]}"; do
    total=$((total + n))
  done
done
echo "$total"
