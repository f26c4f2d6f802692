-- A read (RFC 7592 §2.1) for each request, of one client after the other.
-- CLIENTS: a file of lines `path TAB authorization`.
dofile(os.getenv("SCRIPTS") .. "/outcome.lua")

local requests = {}
local turn = 0

function init()
  for line in io.lines(os.getenv("CLIENTS")) do
    local path, authorization = line:match("^([^\t]+)\t([^\t]+)")
    requests[#requests + 1] = wrk.format("GET", path, { ["Authorization"] = authorization })
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
