-- Adds a job to its stream unless it is there already.
-- KEYS[1] stream, KEYS[2] marker; ARGV[1] submission, ARGV[2] attempt, ARGV[3] the marker's life in ms.
if redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[3]) then
  redis.call('XADD', KEYS[1], '*', 'job', ARGV[1], 'attempt', ARGV[2])
  return 1
end
return 0
