-- wrk: devices that POST property reports over HTTP. Arguments: product, bearer token, number of devices.
-- The last line it prints is "COUNT RATE P99_MICROSECONDS FAILED".
local requests, at = {}, 0

function init(args)
  local headers = { ["Authorization"] = "Bearer " .. args[2], ["Content-Type"] = "application/json" }
  for i = 0, tonumber(args[3]) - 1 do
    local body = string.format('{"properties":{"temp":%d.25,"hum":%d.5,"volt":3.%02d,"rssi":-%d,"state":"running"},"messageId":"', 10 + i % 30,
      20 + i % 60, i % 100, 40 + i % 50)
    body = body .. string.rep("m", 140 - #body - 2) .. '"}'
    requests[#requests + 1] = wrk.format("POST", "/" .. args[1] .. "/ingest-" .. i .. "/properties/report", headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format("%d %.0f %.0f %d", summary.requests, summary.requests / summary.duration * 1e6, latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
