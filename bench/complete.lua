-- Completes prepared checkout sessions, each once: wrk -s complete.lua URL -- IDS_FILE BODY_FILE [RATE [proxy]]
-- As a proxy, each connection carries requests of many clients: the shop never lets it rest.
local ids, at, head, tail = {}, 0, "", ""

function init(args)
  for id in io.lines(args[1]) do ids[#ids + 1] = id end
  local body = assert(io.open(args[2], "r")):read("*a")
  tail = "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
  head = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nContent-Type: application/json\r\n"
    .. (args[4] == "proxy" and "X-Forwarded-For: 192.0.2.7\r\n" or "")
    .. 'UCP-Agent: profile="http://127.0.0.1/bench"\r\nIdempotency-Key: '
end

function request()
  at = at % #ids + 1
  local id = ids[at]
  return "POST /ucp/checkout-sessions/" .. id .. "/complete" .. head .. id .. tail
end
