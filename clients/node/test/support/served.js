'use strict';
/*
 * A daemon for the tests of one file, and what more than one of them needs.
 *
 * USP_BUILD is the folder of the build, as in the other tests.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawn } = require('child_process');
const { once } = require('events');

const build = process.env.USP_BUILD || path.join(__dirname, '..', '..', '..', '..', 'build', 'release');
const addonFile = path.join(build, 'uringspawn.node');

if (process.env.USP_BUILD && process.env.URINGSPAWN_ADDON === undefined && fs.existsSync(addonFile))
	process.env.URINGSPAWN_ADDON = addonFile;

const addon = require('../../lib/addon.js');

/** For the options of test(): why it is skipped, or false. */
const skip = addon === null ? 'the addon is not built' : false;

const LIMIT_MS = 60000;

/** Resolves to what `probe()` returns once that is truthy. */
async function until(probe, what) {
	for (const end = Date.now() + LIMIT_MS; Date.now() < end;) {
		const value = probe();

		if (value)
			return value;
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
	throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
}

/**
 * Start a daemon; {socket, directory, process, stop()}.
 *
 * @param {string} name  where it listens; in a directory of its own by default
 * @param {string[]} options  for its command line
 */
async function serve(name, options = []) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-test-'));
	const socket = name || path.join(directory, 'd.sock');
	const env = { ...process.env };
	delete env.LD_PRELOAD; /* a sanitizer's, for the addon */
	const daemon = spawn(path.join(build, 'uringspawnd'), ['--socket', socket, ...options],
		{ env, stdio: ['ignore', 'ignore', 'pipe'] });
	let said = '';

	daemon.stderr.on('data', (part) => {
		said += part;
	});
	await until(() => said.includes('ready on') || daemon.exitCode !== null, 'a daemon');
	if (daemon.exitCode !== null)
		throw new Error(`no daemon: ${said}`);
	return {
		socket, directory, process: daemon,
		async stop() {
			if (daemon.exitCode === null && daemon.signalCode === null) {
				daemon.kill('SIGTERM');
				await once(daemon, 'exit');
			}
			fs.rmSync(directory, { recursive: true, force: true });
		},
	};
}

/** The descriptors of this process, as a sorted list of numbers. */
function descriptors() {
	return fs.readdirSync('/proc/self/fd').map(Number).sort((a, b) => a - b).filter((fd) => {
		try {
			fs.readlinkSync(`/proc/self/fd/${fd}`);
			return true;
		} catch {
			return false; /* the one that listed them */
		}
	});
}

/** All that a stream says, as text. */
async function textOf(stream) {
	let text = '';

	stream.setEncoding('utf8');
	for await (const part of stream)
		text += part;
	return text;
}

module.exports = { addon, addonFile, skip, until, serve, descriptors, textOf };
