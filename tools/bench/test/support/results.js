'use strict';
/*
 * Rounds that nobody measured, for tests of what is said of them.
 */

/** A round that got through. */
function round(rate, other = {}) {
	return {
		failed: null, requests: rate, rate, p50_ms: 10, p99_ms: 20, p999_ms: 30,
		errors: 0, errors_by_kind: {}, compared: 3,
		cpu_server: 0.2, cpu_main: 0.1, cpu_sidecar: 0.05, cpu_children: 0.7, cpu_load: 0.01,
		memory_server_mb: 40, memory_sidecar_mb: 2, notes: [], ...other,
	};
}

function candidate(name, group, missing = null) {
	return { name, title: `What ${name} is`, group, against: null, missing, command: `${name} server`,
		environment: missing === null ? { variables: 40, differs: [] } : null };
}

function cell(work, results, other = {}) {
	return { work, memory: 0, connections: 30, rounds: 2, seconds: 1, skipped: null, results,
		...other };
}

/** A whole run of these cells; node is a peer, go is missing. */
function run(cells, other = {}) {
	return {
		started: '2026-01-01T00:00:00.000Z', ended: '2026-01-01T00:20:00.000Z',
		command: 'compare.js', quick: false, loader: 'wrk', machine: { cpu: 'A | B', cpus: 2, virtual: true, memory_mb: 4000, system: 'Debian',
			kernel: 'Linux 6', governor: 'not told', variables: 38, load: '0.10 0.20 0.30' },
		versions: [['node', 'v20'], ['go', null]],
		bare: { command: 'uringspawn bench', jobs_per_s: 2300, posix_spawn: { jobs_per_s: 2400 },
			bare: { jobs_per_s: 2500, threads: 2 } },
		candidates: [candidate('node', 'peer'), candidate('go', 'peer', 'go: no compiler'),
			candidate('node+register', 'ours')],
		cells, failures: [], blocked: [], not_traced: 'not built', interrupted: false, ...other,
	};
}

module.exports = { round, candidate, cell, run };
