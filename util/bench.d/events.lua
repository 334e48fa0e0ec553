-- What wrk sends for util/bench: one event of 200 bytes, or EVENT_BYTES,
-- without an id, and at the end its own counts as one line.

local size = tonumber(os.getenv("EVENT_BYTES") or 200)

local head = '{"type":"page_view","payload":{"user_id":123456,' ..
             '"url":"https://example.com/catalogue/shoes/42?ref=mail",' ..
             '"session":"a81f5c02b7","ok":true,"note":"'
local tail = '"}}'

if size < #head + #tail then
   head = '{"type":"page_view","payload":{"note":"'
end

wrk.method = "POST"
wrk.body = head .. string.rep("n", size - #head - #tail) .. tail
wrk.headers["Content-Type"] = "application/json"


function done(summary, latency, requests)
   local errors = summary.errors

   io.write(string.format("wrk requests=%d us=%d p50=%d p99=%d status=%d " ..
                          "errors=%d\n", summary.requests, summary.duration,
                          latency:percentile(50), latency:percentile(99),
                          errors.status, errors.connect + errors.read +
                          errors.write + errors.timeout))
end
