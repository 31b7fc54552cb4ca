-- As complete.lua, at an even rate: wrk -s paced.lua URL -- IDS_FILE BODY_FILE REQUESTS_PER_SECOND [proxy]
-- An instant at which the shop is behind is not made up for by wrk's latency: it begins when a request is sent.
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } bench_time;
  int clock_gettime(int clock, bench_time *time);
]]
dofile(os.getenv("BENCH") .. "/complete.lua")
local prepare, time, step, next_at = init, ffi.new("bench_time"), 0, 0

local function now()
  ffi.C.clock_gettime(1, time)
  return tonumber(time.seconds) * 1000 + tonumber(time.nanoseconds) / 1e6
end

function init(args)
  prepare(args)
  step = 1000 / tonumber(args[3])
  next_at = now()
end

function delay()
  local instant = now()
  next_at = math.max(next_at + step, instant - 100)
  return math.max(0, math.floor(next_at - instant))
end
