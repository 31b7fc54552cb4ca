-- Whole orders: wrk -s whole.lua URL -- FIRST_BODIES UPDATE_BODIES COMPLETE_BODY RUN
-- Whichever connection is free takes the next step of whichever order waits for one.
local first, second, last, at, head, run = {}, {}, "", 0, "", ""
local to_update, to_complete = {}, {}

function init(args)
  for body in io.lines(args[1]) do first[#first + 1] = body end
  for body in io.lines(args[2]) do second[#second + 1] = body end
  last, run = assert(io.open(args[3], "r")):read("*a"), args[4]
  head = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
    .. '\r\nContent-Type: application/json\r\nUCP-Agent: profile="http://127.0.0.1/bench"\r\nIdempotency-Key: run-'
end

local function send(line, body)
  at = at + 1
  return line .. head .. run .. "-" .. at .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function request()
  local id = table.remove(to_complete)
  if id then return send("POST /ucp/checkout-sessions/" .. id .. "/complete", last) end
  id = table.remove(to_update)
  if id then return send("PUT /ucp/checkout-sessions/" .. id, second[at % #second + 1]) end
  return send("POST /ucp/checkout-sessions", first[at % #first + 1])
end

function response(status, headers, body)
  local id = body:match('"id":"(chk_%w+)"')
  if not id then return end
  if status == 201 then
    to_update[#to_update + 1] = id
  elseif body:find('"status":"ready_for_complete"', 1, true) then
    to_complete[#to_complete + 1] = id
  end
end
