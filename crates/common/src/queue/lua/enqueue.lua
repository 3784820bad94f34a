-- Adds a job to its stream unless its entry is there already. The marker says which entry that is: a marker whose
-- entry was lost keeps nothing out.
-- KEYS[1] stream, KEYS[2] marker; ARGV[1] submission, ARGV[2] attempt, ARGV[3] the marker's life in ms.
local entry = redis.call('GET', KEYS[2])
if entry and #redis.call('XRANGE', KEYS[1], entry, entry) > 0 then return 0 end
entry = redis.call('XADD', KEYS[1], '*', 'job', ARGV[1], 'attempt', ARGV[2])
redis.call('SET', KEYS[2], entry, 'PX', ARGV[3])
return 1
