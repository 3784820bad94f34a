local function greeting(to)
  return "Hello, " .. to .. "!"
end

local words = {}
for _, name in ipairs({ "Ada", "Grace", "Jürgen" }) do
  words[#words + 1] = greeting(name)
end
print(table.concat(words, " "))
print(string.format("π ≈ %.4f", math.pi))
