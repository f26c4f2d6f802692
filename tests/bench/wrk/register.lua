-- A registration (RFC 7591 §3.1) for each request.
dofile(os.getenv("SCRIPTS") .. "/outcome.lua")

wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
