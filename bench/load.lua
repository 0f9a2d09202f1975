-- Has wrk ask for the lines of a file, in order, from the first one again after the last. Each thread begins at another place.
--
--     wrk … URL -- FILE METHOD TOKEN
--
-- A line is a path, or a path, a tab and a form to post. Without a TOKEN, no Authorization header is sent. At the end, one line of
-- JSON tells how it went; latencies are in microseconds.

local threads = 0

function setup(thread)
    thread:set("place", threads)
    threads = threads + 1
end

function init(args)
    requests = {}
    for line in io.lines(args[1]) do
        local path, form = line:match("^([^\t]*)\t(.*)$")
        local headers = {}
        if args[3] and args[3] ~= "" then headers["Authorization"] = "Bearer " .. args[3] end
        if form then headers["Content-Type"] = "application/x-www-form-urlencoded" end
        requests[#requests + 1] = wrk.format(args[2], path or line, headers, form)
    end
    -- Two threads walk the file in turns: one the even lines, the other the odd ones.
    place = place % #requests - 1
    step = math.min(2, #requests)
end

function request()
    place = (place + step) % #requests
    return requests[place + 1]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests": %d, "seconds": %f, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
