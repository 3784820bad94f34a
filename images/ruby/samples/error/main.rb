def f
  puts 1 +) # error here
end
