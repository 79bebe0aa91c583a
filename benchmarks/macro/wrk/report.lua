-- Optional argument: the number of body bytes to POST. Prints one RESULT line of JSON; nothing runs per request.
init = function(args)
  if args[1] then
    wrk.method = 'POST'
    wrk.body = string.rep('x', tonumber(args[1]))
  end
end

done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"seconds":%.6f,"bytes":%.0f,"connectErrors":%d,"readErrors":%d,"writeErrors":%d,"timeouts":%d,"badStatus":%d,"p50Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    e.connect, e.read, e.write, e.timeout, e.status,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
