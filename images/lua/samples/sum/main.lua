local sum = 0
for n in io.read("a"):gmatch("%S+") do
  sum = sum + math.tointeger(n)
end
print(sum)
