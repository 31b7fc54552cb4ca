-- Makes checkout sessions: wrk -s sessions.lua URL -- BODIES_FILE _ _ RUN
local bodies, at, head, run = {}, 0, "", ""

function init(args)
  for body in io.lines(args[1]) do bodies[#bodies + 1] = body end
  run = args[4]
  head = "POST /ucp/checkout-sessions HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
    .. '\r\nContent-Type: application/json\r\nUCP-Agent: profile="http://127.0.0.1/bench"\r\nIdempotency-Key: '
end

function request()
  at = at + 1
  local body = bodies[at % #bodies + 1]
  return head .. "run-" .. run .. "-" .. at .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end
