-- An update (RFC 7592 §2.2) for each request, of the client that has waited longest. Each answer
-- brings another registration access token: a client is free again when it has that.
-- CLIENTS: a file of lines `path TAB authorization TAB client_id TAB body`.
dofile(os.getenv("SCRIPTS") .. "/outcome.lua")

local clients = {}
local free = {}
local first = 1
local last = 0

local function set_free(client)
  last = last + 1
  free[last] = client
end

function init()
  for line in io.lines(os.getenv("CLIENTS")) do
    local path, authorization, id, body = line:match("^([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]+)$")
    local client = {
      path = path,
      body = body,
      headers = { ["Authorization"] = authorization, ["Content-Type"] = "application/json" },
    }
    clients[id] = client
    set_free(client)
  end
end

function request()
  local client = free[first]
  if client == nil then
    error("no client is free: there must be more than connections, and none may be refused")
  end
  free[first] = nil
  first = first + 1
  return wrk.format("PUT", client.path, client.headers, client.body)
end

function response(status, headers, body)
  if status == 200 then
    local client = clients[body:match('"client_id":"([^"]+)"')]
    client.headers["Authorization"] = "Bearer " .. body:match('"registration_access_token":"([^"]+)"')
    set_free(client)
  end
end
