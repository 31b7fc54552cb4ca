-- Completes prepared checkout sessions, each once: the file of ids is shared out among the threads.
-- wrk -s complete.lua URL -- IDS_FILE THREADS BODY_FILE
local counter = 0
function setup(thread)
  thread:set("number", counter)
  counter = counter + 1
end

function init(args)
  local file = assert(io.open(args[1], "r"))
  local step = tonumber(args[2])
  local body = assert(io.open(args[3], "r")):read("*a")
  ids, at = {}, 0
  local line = 0
  for id in file:lines() do
    if line % step == number then ids[#ids + 1] = id end
    line = line + 1
  end
  file:close()
  headers = {
    ["content-type"] = "application/json",
    ["ucp-agent"] = 'profile="http://127.0.0.1/bench"',
  }
  payload = body
end

function request()
  at = at + 1
  local id = ids[(at - 1) % #ids + 1]
  headers["idempotency-key"] = id
  return wrk.format("POST", "/ucp/checkout-sessions/" .. id .. "/complete", headers, payload)
end
