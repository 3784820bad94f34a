module Numbers
  SIX = 6

  def self.seven = 7
end
