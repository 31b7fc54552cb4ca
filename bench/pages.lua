-- Visits product pages in turn, as one guest: wrk -s pages.lua URL -- FILE_OF_PATHS COOKIE
local paths, at, cookie = {}, 0, ""

function init(args)
  for path in io.lines(args[1]) do paths[#paths + 1] = path end
  cookie = args[2]
end

function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at], {["cookie"] = cookie, ["accept"] = "text/html", ["accept-language"] = "en-GB"})
end
