-- luac5.4: main.lua:99: in a comment
local é = 1
