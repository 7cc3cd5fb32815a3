-- For wrk: the bodies of a file in turn, one a line, and at the end one line of JSON with what was measured.
-- Arguments: the file, milliseconds to wait before each request, and further headers as "name: value".
local bodies, place, pause, threads = {}, 0, 0, {}

function setup(thread) table.insert(threads, thread) end

function init(arguments)
  for line in io.lines(arguments[1]) do table.insert(bodies, line) end
  pause = tonumber(arguments[2])
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for at = 3, #arguments do
    local name, value = arguments[at]:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  refused = 0
end

function delay() return pause end

function request()
  place = place % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[place])
end

function response(status) if status ~= 200 then refused = refused + 1 end end

function done(summary, latency)
  local not_ok = 0
  for _, thread in ipairs(threads) do not_ok = not_ok + thread:get("refused") end
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "longest": %.3f, "not_ok": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, not_ok, errors.connect + errors.read + errors.write + errors.timeout))
end
