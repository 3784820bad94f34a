require_relative "numbers"
require "set"
require "prime"
puts Numbers::SIX * Numbers.seven if Set[1].include?(1) && 7.prime?
