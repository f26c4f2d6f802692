-- Health of dcr-operator's resources for Argo CD: one check for all three kinds.
-- docs/gitops.md says how it is put into argocd-cm.
local health = { status = "Progressing", message = "waiting for the operator" }

if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  conditions[condition.type] = condition
end

local ready = conditions["Ready"]
if ready == nil then
  return health
end

-- Work that comes to an end by itself; every other reason wants a look by a person.
local under_way = { Progressing = true, Deleting = true, RateLimited = true, InUse = true }

health.message = ready.reason .. ": " .. ready.message
if ready.reason == "Suspended" then
  health.status = "Suspended"
elseif ready.status == "True" then
  health.status = "Healthy"
elseif conditions["Stalled"] ~= nil and conditions["Stalled"].status == "True" then
  health.status = "Degraded"
elseif ready.status == "False" and not under_way[ready.reason] then
  health.status = "Degraded"
end
return health
