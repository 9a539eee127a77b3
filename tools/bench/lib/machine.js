'use strict';
/*
 * What a run depends on: the machine, its system, the versions of all that takes part, and how
 * fast this machine starts a process when nobody asks over HTTP.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawnSync } = require('child_process');

const BARE_JOBS = 3000;
const BARE_ROUNDS = 3;
const LIMIT_MS = 60000;

function read(file) {
	try {
		return fs.readFileSync(file, 'utf8').trim();
	} catch {
		return '';
	}
}

/** {cpu, cpus, memory_mb, system, kernel, virtual, variables, load} */
function machine() {
	const processors = os.cpus();

	return {
		cpu: processors.length > 0 ? processors[0].model.trim() : 'unknown',
		cpus: processors.length,
		virtual: / hypervisor( |$)/m.test(read('/proc/cpuinfo')),
		memory_mb: Math.round(os.totalmem() / 1e6),
		system: (/^PRETTY_NAME="(.*)"$/m.exec(read('/etc/os-release')) || [])[1] || 'unknown',
		kernel: `${os.type()} ${os.release()} ${os.arch()}`,
		governor: read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor') || 'not told',
		variables: Object.keys(process.env).length,
		load: os.loadavg().map((one) => one.toFixed(2)).join(' '),
	};
}

/* The first line of what a program prints that the pattern finds; null: it is not here. */
function version(argv, pattern) {
	const { stdout, stderr, error } = spawnSync(argv[0], argv.slice(1),
		{ encoding: 'utf8', timeout: LIMIT_MS, stdio: ['ignore', 'pipe', 'pipe'] });
	const found = error ? null : pattern.exec(stdout + stderr);

	return found === null ? null : found[found.length - 1].trim();
}

/** Where a Go may be: Debian's of a backport is not in PATH. */
function goes() {
	const folders = fs.existsSync('/usr/lib') ? fs.readdirSync('/usr/lib') : [];
	const versions = folders.filter((name) => /^go-1\.\d+$/.test(name))
		.sort((a, b) => Number(b.slice(5)) - Number(a.slice(5)));

	return ['go', ...versions.map((name) => path.join('/usr/lib', name, 'bin', 'go'))];
}

const first = (values) => values.find((one) => one !== null) || null;
const LINE = /^(.+)$/m;

/** [[name, version or null: it is not here]...] */
function versions({ bun, deno, native, genericPool, build }) {
	const manifest = read(path.join(genericPool, 'package.json'));
	const goProgram = path.join(native, 'go');

	return [
		['uringspawn', version([path.join(build, 'uringspawn'), '--version'], LINE)],
		['node', process.version],
		['bun', version([bun, '--version'], LINE)],
		['deno', version([deno, '--version'], /^deno (\S+)/m)],
		['go', first(goes().map((go) => version([go, 'version', goProgram], /: (go\S+)/) ||
			version([go, 'version'], /(go\d\S*)/)))],
		['rust', version(['rustc', '--version'], /^rustc (.+)$/m)],
		['generic-pool', manifest === '' ? null : JSON.parse(manifest).version],
		['wrk', version(['wrk', '--version'], /^wrk (\S+)/m)],
		['C compiler', version(['cc', '--version'], LINE)],
		['C library', version(['ldd', '--version'], LINE)],
		['echo, cat, false, sleep', version(['echo', '--version'], LINE)],
	];
}

/**
 * Programs per second, by a loop of clone3(), by posix_spawn() and by the engine, with nothing
 * else to do: what `uringspawn bench --json` prints; {failure}: it could not be had.
 */
function bare({ build }) {
	const argv = ['bench', '--json', '--jobs', String(BARE_JOBS), '--rounds', String(BARE_ROUNDS),
		'--depth', '30', '--', 'echo', 'hi'];
	const { stdout, stderr, status, error } = spawnSync(path.join(build, 'uringspawn'), argv,
		{ encoding: 'utf8', timeout: LIMIT_MS });
	const command = ['uringspawn', ...argv].join(' ');

	if (error || status !== 0)
		return { command, failure: error ? error.message : stderr.trim() || `exit code ${status}` };
	return { ...JSON.parse(stdout), command };
}

module.exports = { machine, versions, bare, version, goes };
