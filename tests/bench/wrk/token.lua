-- An access token by client_credentials (RFC 6749 §4.4) for each request, of one client after the
-- other. CLIENTS: a file of lines `path TAB authorization`.
dofile(os.getenv("SCRIPTS") .. "/outcome.lua")

local requests = {}
local turn = 0

function init()
  for line in io.lines(os.getenv("CLIENTS")) do
    local path, authorization = line:match("^([^\t]+)\t([^\t]+)")
    local headers = {
      ["Authorization"] = authorization,
      ["Content-Type"] = "application/x-www-form-urlencoded",
    }
    requests[#requests + 1] = wrk.format("POST", path, headers, "grant_type=client_credentials")
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
