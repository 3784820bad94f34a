# main.rb:99: in a comment
def f(é
  puts "main.rb:98: in a string"
end
