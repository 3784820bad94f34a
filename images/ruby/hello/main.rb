def greeting(to) = "Hello, #{to}!"

puts %w[Ada Grace Jürgen].map { |name| greeting(name) }.join(" ")
puts format("π ≈ %.4f", Math::PI)
