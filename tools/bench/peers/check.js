'use strict';
/*
 * Does each server do what all of them have to, byte for byte?  Prints TAP.
 *
 *   node tools/bench/peers/check.js [--out DIR] [--build DIR] [NAME...]
 *
 * NAME: of lib/candidates.js, all by default.  One that is missing is a skip with its reason.
 * DIR: what peers/build has filled (build/bench), what make has (build/release).
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { choose, context, readStatus, whyMissing } = require('../lib/candidates.js');
const { Server } = require('./check/server.js');
const { otherTests, prepare, usualTests } = require('./check/tests.js');

let failed = 0;
let running = null; /* the server that is asked */

function comment(text) {
	console.log(text.trimEnd().replace(/^/gm, '# '));
}

/* Whatever is thrown is what the test says. */
async function test(title, body) {
	try {
		const note = await body();

		console.log(`ok - ${title}`);
		if (note)
			comment(note);
		return true;
	} catch (error) {
		failed++;
		console.log(`not ok - ${title}`);
		comment(error.stack);
		return false;
	}
}

async function checkOne(name, command, environment, tests) {
	const server = new Server(command, environment);
	let port;

	running = server;
	try {
		if (!await test(`${name}: prints its port`, async () => { port = await server.port(); }))
			return;
		for (const [title, body] of tests(server, port))
			await test(`${name}: ${title}`, body);
	} finally {
		server.kill();
		running = null;
		if (server.stderr !== '')
			comment(`standard error of ${name}:\n${server.stderr}`);
	}
}

function parse(args) {
	const options = {};
	const names = [];

	while (args.length > 0) {
		const arg = args.shift();

		if (!arg.startsWith('-')) {
			names.push(arg);
		} else if ((arg === '--out' || arg === '--build') && args.length > 0) {
			options[arg.slice(2)] = args.shift();
		} else {
			throw new Error(`what is ${arg}? There are --out DIR, --build DIR and names`);
		}
	}
	return { at: context(options), chosen: choose(names) };
}

async function main() {
	const { at, chosen } = parse(process.argv.slice(2));
	const status = readStatus(at);
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-check-'));

	process.on('exit', () => {
		running?.kill();
		fs.rmSync(directory, { recursive: true, force: true });
	});
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
		process.on(signal, () => process.exit(128 + os.constants.signals[signal]));
	const prepared = prepare(directory);

	for (const one of chosen) {
		const reason = whyMissing(one, status);

		if (reason !== null) {
			console.log(`ok - ${one.name} # SKIP ${reason}`);
			continue;
		}
		const command = one.command(at);

		await checkOne(one.name, command, prepared.usual,
			(server, port) => usualTests(server, port, prepared));
		await checkOne(`${one.name}, other files`, command, prepared.other,
			(server, port) => otherTests(server, port, prepared));
	}
	process.exitCode = failed === 0 ? 0 : 1;
}

main().catch((error) => {
	console.error(`check.js: ${error.message}`);
	process.exitCode = 2;
});
