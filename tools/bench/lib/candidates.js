'use strict';
/*
 * The servers that are compared: what each is called, what it needs and how it is started.
 * Starting and measuring them is the business of others.
 *
 * A candidate: {name, title, group: 'peer' | 'ours', against, needs, holders, command(context)}
 *   against   the name of the one that it is a variant of; null for a runtime's own
 *   needs     names in status.json (peers/build writes it), or uringspawnd, without which it
 *             cannot run
 *   holders   how many of its processes hold the memory that a server is given; 1 where it is
 *             not told
 *   command   -> {argv, env}: env holds what is added to the environment of the caller, and
 *             that is nothing where the build is where the client looks for it: what a child
 *             costs depends on its environment, so all have the same
 */
const fs = require('fs');
const os = require('os');
const path = require('path');

const ROOT = path.join(__dirname, '..', '..', '..');
const PEERS = path.join(__dirname, '..', 'peers');
const CLIENT = path.join(ROOT, 'clients', 'node');
const BUILD = path.join(ROOT, 'build', 'release');

/**
 * Where things are.
 * @param {object} [options]  out: what peers/build has filled (build/bench); build: where
 *   uringspawnd is (build/release)
 */
function context({ out = path.join(ROOT, 'build', 'bench'), build = BUILD } = {}) {
	const npm = path.resolve(out, 'npm', 'node_modules');

	return {
		node: process.execPath,
		bun: path.join(npm, '.bin', 'bun'),
		deno: path.join(npm, '.bin', 'deno'),
		genericPool: path.join(npm, 'generic-pool'),
		native: path.resolve(out, 'peers'), /* go, rust, engine: a program each */
		status: path.resolve(out, 'peers', 'status.json'),
		build: path.resolve(build),
	};
}

const own = (...parts) => path.join(PEERS, ...parts);
const node = (...args) => (at) => ({ argv: [at.node, ...args], env: {} });
const native = (name) => (at) => ({ argv: [path.join(at.native, name)], env: {} });

/* The client looks in build/release by itself. */
function withDaemon(argv, at) {
	const env = at.build === BUILD ? {} : { URINGSPAWN_DAEMON: path.join(at.build, 'uringspawnd') };

	return { argv, env };
}

const candidates = [
	{
		name: 'node', title: 'Node', group: 'peer', against: null, needs: [],
		command: node(own('node', 'server.js')),
	}, {
		name: 'deno', title: 'Deno', group: 'peer', against: null, needs: ['deno'],
		command: (at) => ({ argv: [at.deno, 'run', '-A', own('deno', 'server.js')], env: {} }),
	}, {
		name: 'bun', title: 'Bun', group: 'peer', against: null, needs: ['bun'],
		command: (at) => ({ argv: [at.bun, own('bun', 'server.js')], env: {} }),
	}, {
		name: 'go', title: 'Go, net/http', group: 'peer', against: null, needs: ['go'],
		command: native('go'),
	}, {
		name: 'rust', title: 'Rust, tokio and hyper', group: 'peer', against: null,
		needs: ['rust'], command: native('rust'),
	}, {
		name: 'node-cluster', title: 'Node, cluster', group: 'peer', against: 'node', needs: [],
		holders: os.availableParallelism(), command: node(own('node', 'cluster.js')),
	}, {
		name: 'node-threads', title: 'Node, worker threads', group: 'peer', against: 'node',
		needs: [], command: node(own('node', 'threads.js')),
	}, {
		name: 'node-pool-json', title: 'Node, forked pool, JSON messages', group: 'peer',
		against: 'node', needs: [], command: node(own('node', 'pool.js'), 'json'),
	}, {
		name: 'node-pool-advanced', title: 'Node, forked pool, advanced messages', group: 'peer',
		against: 'node', needs: [], command: node(own('node', 'pool.js'), 'advanced'),
	}, {
		name: 'node-pool-socket-random', title: 'Node, forked pool, sockets, random',
		group: 'peer', against: 'node', needs: [],
		command: node(own('node', 'pool_socket.js'), 'random'),
	}, {
		name: 'node-pool-socket-rr', title: 'Node, forked pool, sockets, round-robin',
		group: 'peer', against: 'node', needs: [],
		command: node(own('node', 'pool_socket.js'), 'round-robin'),
	}, {
		name: 'node-pool-socket-least', title: 'Node, forked pool, sockets, least connections',
		group: 'peer', against: 'node', needs: [],
		command: node(own('node', 'pool_socket.js'), 'least-connections'),
	}, {
		name: 'node-bun-workers', title: 'Node, Bun workers', group: 'peer', against: 'node',
		needs: ['bun'],
		command: (at) => node(own('node', 'bun_workers.js'), at.bun)(at),
	}, {
		name: 'node-generic-pool', title: 'Node, generic-pool of forked workers', group: 'peer',
		against: 'node', needs: ['generic-pool'],
		command: (at) => node(own('node', 'generic_pool.js'), at.genericPool)(at),
	}, {
		name: 'node+register', title: 'Node, register', group: 'ours', against: 'node',
		needs: ['uringspawnd'],
		command: (at) => withDaemon([at.node, '--import', path.join(CLIENT, 'register.mjs'),
			own('node', 'server.js')], at),
	}, {
		name: 'node+client', title: 'Node, client', group: 'ours', against: 'node',
		needs: ['uringspawnd'],
		command: (at) => withDaemon([at.node, own('node', 'client.js')], at),
	}, {
		name: 'bun+client', title: 'Bun, client', group: 'ours', against: 'bun',
		needs: ['uringspawnd', 'bun'],
		command: (at) => withDaemon([at.bun, own('bun', 'client.js')], at),
	}, {
		name: 'deno+client', title: 'Deno, client', group: 'ours', against: 'deno',
		needs: ['uringspawnd', 'deno'],
		command: (at) => withDaemon([at.deno, 'run', '-A', own('deno', 'client.js')], at),
	}, {
		name: 'engine', title: 'C, engine', group: 'ours', against: 'rust', needs: ['engine'],
		command: native('engine'),
	},
];

/**
 * Why a candidate cannot run, or null.
 * @param {object} status  of readStatus()
 */
function whyMissing({ needs }, status) {
	const reasons = needs.filter((name) => status[name] !== null)
		.map((name) => `${name}: ${status[name] || 'peers/build was not run for it'}`);

	return reasons.length === 0 ? null : reasons.join('; ');
}

function readPeers(at) {
	try {
		return JSON.parse(fs.readFileSync(at.status, 'utf8'));
	} catch (error) {
		if (error.code === 'ENOENT')
			return {};
		throw new Error(`${at.status}: ${error.message}`);
	}
}

/** What is there: {name: null, or why it is missing}, as peers/build and make have left it. */
function readStatus(at) {
	const daemon = path.join(at.build, 'uringspawnd');
	const uringspawnd = fs.existsSync(daemon) ? null : `there is no ${daemon}; run make`;

	return { ...readPeers(at), uringspawnd };
}

/** The candidates of these names, in the order of the table; all where none is named. */
function choose(names) {
	const unknown = names.filter((name) => !candidates.some((one) => one.name === name));

	if (unknown.length > 0) {
		throw new Error(`no candidate is called ${unknown.join(', ')}; there are ` +
			candidates.map((one) => one.name).join(' '));
	}
	return candidates.filter(({ name }) => names.length === 0 || names.includes(name));
}

module.exports = { candidates, choose, context, readStatus, whyMissing };
