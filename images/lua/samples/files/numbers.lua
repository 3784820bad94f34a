return {
  six = 6,
  seven = function() return 7 end,
}
