'use strict';
/*
 * The daemon of this program: found, started when there is none, and shared by the threads
 * and the cluster workers of the program, each of which has its own connection.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const addon = require('./addon.js');
const { Connection } = require('./connection.js');
const { SocketTransport } = require('./transport.js');
const { AddonTransport } = require('./transport_addon.js');
const wire = require('./wire.js');
const { Templates } = require('./environment.js');

const RETRY_MS = 5000;
const START_MS = 10000;

let connection = null;
const others = new Map(); /* by their sockets: those that pools named */
let tryAgainAt = 0;
let warned = false;
let starting = false;
const { spawnSync } = require('child_process'); /* before anybody replaces it */
const settings = { daemon: null, socket: null };

/** @param {object} options  daemon: path of uringspawnd; socket: of one that runs */
function configure({ daemon, socket }) {
	if (daemon !== undefined)
		settings.daemon = daemon;
	if (socket !== undefined)
		settings.socket = socket;
	tryAgainAt = 0;
}

function isFile(name) {
	try {
		fs.accessSync(name, fs.constants.X_OK);
		return fs.statSync(name).isFile();
	} catch {
		return false;
	}
}

/** The path of uringspawnd, or null. */
function findDaemon() {
	const named = settings.daemon || process.env.URINGSPAWN_DAEMON;
	if (named)
		return named;
	const own = [
		path.join(__dirname, '..', 'bin', 'uringspawnd'),
		path.join(__dirname, '..', '..', '..', 'build', 'release', 'uringspawnd'),
	];
	const onPath = (process.env.PATH || '').split(':').filter((dir) => dir !== '')
		.map((dir) => path.join(dir, 'uringspawnd'));
	return own.concat(onPath).find(isFile) || null;
}

/* A directory that is this user's alone. */
function privateDirectory() {
	const runtime = process.env.XDG_RUNTIME_DIR;

	return path.join(runtime || os.tmpdir(), runtime ? 'uringspawn' : `uringspawn-${process.getuid()}`);
}

/* Where somebody else could have put a socket, nobody is trusted with a command. */
function checkDirectory(directory) {
	const found = fs.lstatSync(directory, { throwIfNoEntry: false });

	if (found && (!found.isDirectory() || found.uid !== process.geteuid() || (found.mode & 0o022) !== 0))
		throw new Error(`${directory} is not a directory of this user's own that nobody else may write to`);
}

function namespaceOf(kind) {
	try {
		return fs.readlinkSync(`/proc/self/ns/${kind}`).replace(/\D/g, '');
	} catch {
		return '0';
	}
}

/*
 * One name for all of a program: its first process, as this pid namespace counts, in this
 * mount namespace, for containers may share a directory of temporary files.
 */
function privateSocket() {
	const leader = require('cluster').isWorker ? process.ppid : process.pid;

	const directory = privateDirectory();

	checkDirectory(directory);
	return path.join(directory, `${leader}-${namespaceOf('pid')}-${namespaceOf('mnt')}.sock`);
}

function start(socket) {
	const binary = findDaemon();

	if (binary === null)
		throw new Error('there is no uringspawnd (set URINGSPAWN_DAEMON, or put it in PATH)');
	starting = true;
	try {
		return startNow(binary, socket);
	} finally {
		starting = false;
	}
}

function startNow(binary, socket) {
	const result = spawnSync(binary, ['--private', '--background', '--quiet', '--socket', socket], {
		env: { ...process.env }, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], timeout: START_MS, encoding: 'utf8',
	});
	if (result.error)
		throw new Error(`${binary} cannot be started: ${result.error.message}`);
	return result;
}

/* Of two that start one at the same moment, one is told that the other's serves. */
function startAndConnect(socket) {
	try {
		return open(socket);
	} catch {
		const result = start(socket);

		try {
			return open(socket);
		} catch (error) {
			throw result.status === 0 ? error : new Error(`uringspawnd did not start: ${result.stderr.trim()}`);
		}
	}
}

function open(socket) {
	return new Connection(socket, forget, addon === null ? SocketTransport : AddonTransport);
}

function forget(lost) {
	if (connection === lost)
		connection = null;
	if (others.get(lost.path) === lost)
		others.delete(lost.path);
}

/* Nothing can be waited for in Deno but by C, to which its user has to agree. */
function requireWays() {
	if (addon === null && globalThis.Deno)
		throw new Error('Deno reaches uringspawnd with --allow-ffi alone');
}

function connect(named) {
	requireWays();
	const opened = named ? open(named) : startAndConnect(privateSocket());

	opened.isPrivate = !named;
	opened.templates = new Templates(opened, {
		group: wire.GROUP.CLIENT,
		gone: wire.GONE.RELEASE,
		killProcess: true,
		umask: opened.isPrivate ? undefined : addon === null ? process.umask() : addon.umask(),
	});
	return opened;
}

function namedSocket() {
	return settings.socket || process.env.URINGSPAWN_SOCKET;
}

/* By the permission model, where it is on: the runtime says so then. */
function isForbidden() {
	return process.permission !== undefined && !process.permission.has('child');
}

/**
 * The connection to the daemon of this program, made when there is none. Null: there is no daemon to be had, which is
 * said once, and tried again after 5 s.
 */
function get() {
	if (isForbidden())
		return null;
	if (connection !== null && connection.alive)
		return connection;
	if (tryAgainAt > 0 && Date.now() < tryAgainAt)
		return null;
	try {
		connection = connect(namedSocket());
		tryAgainAt = 0;
	} catch (error) {
		connection = null;
		tryAgainAt = Date.now() + RETRY_MS;
		warn(error);
	}
	return connection;
}

/**
 * A connection for what the runtime has no way of its own to do.
 *
 * @param {string} [socket]  of a daemon that runs; by default that of this program
 * @throws {Error} there is none to be had
 */
function need(socket) {
	if (isForbidden())
		throw new Error('the permission model allows no child processes');
	if (socket !== undefined && socket !== namedSocket()) {
		const known = others.get(socket);

		if (known === undefined || !known.alive)
			others.set(socket, connect(socket));
		return others.get(socket);
	}
	if (connection === null || !connection.alive)
		connection = connect(namedSocket());
	return connection;
}

function warn(error) {
	if (warned)
		return;
	warned = true;
	process.emitWarning(`node:child_process starts the programs: ${error.message}`, { type: 'UringspawnWarning' });
}

/* A program that leaves in the turn in which it asked has asked nevertheless. */
process.on('exit', () => {
	for (const one of [connection, ...others.values()])
		if (one !== null && one.alive)
			one.flushSync();
});

/** Whether the daemon is being started, by the runtime's own spawnSync(). */
function isStarting() {
	return starting;
}

module.exports = { configure, get, need, isStarting };
