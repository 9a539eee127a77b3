'use strict';
/*
 * Which of the workers that a client has is sent the next message.  Each: (pool, concurrency)
 * -> a lease that takes one more, or null.
 */

function leastBusy({ leases }, concurrency) {
	let best = null;

	for (const lease of leases) {
		if (!lease.takes(concurrency) || best !== null && best.slots <= lease.slots)
			continue;
		best = lease;
		if (best.slots === 0)
			break;
	}
	return best;
}

function roundRobin(pool, concurrency) {
	const { leases } = pool;

	for (let i = 1; i <= leases.length; i++) {
		const at = (pool.last + i) % leases.length;

		if (leases[at].takes(concurrency)) {
			pool.last = at;
			return leases[at];
		}
	}
	return null;
}

function random({ leases }, concurrency) {
	const can = leases.filter((lease) => lease.takes(concurrency));

	return can.length > 0 ? can[Math.floor(Math.random() * can.length)] : null;
}

module.exports = { choosers: { 'least-busy': leastBusy, 'round-robin': roundRobin, random } };
