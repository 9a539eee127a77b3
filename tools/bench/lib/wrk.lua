-- What wrk saw, as the last line of its output: one line of JSON.  Times are in ms.
function done(summary, latency)
	local e = summary.errors
	local function ms(percent)
		return summary.requests == 0 and "null" or
			string.format("%.3f", latency:percentile(percent) / 1000)
	end

	io.write(string.format(
		'{"requests": %d, "bytes": %d, "seconds": %.6f, "p50_ms": %s, "p99_ms": %s, "p999_ms": %s, ' ..
		'"errors": {"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
		summary.requests, summary.bytes, summary.duration / 1e6, ms(50), ms(99), ms(99.9),
		e.connect, e.read, e.write, e.timeout, e.status))
end
