#!/usr/bin/env node
'use strict';
/*
 * Servers that start a process for each request, side by side under load.  `--help` says how.
 */
const fs = require('fs');
const { candidates, context, readStatus, whyMissing } = require('./lib/candidates.js');
const { parseOptions, UsageError, USAGE } = require('./lib/options.js');
const { Session } = require('./lib/session.js');
const { writeReport } = require('./lib/report.js');

const FAILED = 1;
const USAGE_ERROR = 2;
const INTERRUPTED = 130;

function say(text) {
	process.stderr.write(`${text}\n`);
}

function list({ peers, build }) {
	const status = readStatus(context({ out: peers, build }));

	for (const one of candidates)
		console.log(`${one.name.padEnd(26)}${one.title.padEnd(46)}${whyMissing(one, status) || 'here'}`);
}

/* The first signal ends it after the round that runs, the second one at once. */
function listen(session) {
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
		process.on(signal, () => {
			if (session.stopped)
				process.exit(INTERRUPTED);
			say('ends after this round');
			session.interrupt();
		});
	}
}

async function measureAll(options, argv) {
	const session = new Session(options, say);

	listen(session);
	const results = await session.run(['tools/bench/compare.js', ...argv].join(' '));

	console.log(writeReport(results, options.out));
	if (results.interrupted)
		return INTERRUPTED;
	return results.failures.length > 0 ? FAILED : 0;
}

async function main(argv) {
	const options = parseOptions(argv, candidates.map(({ name }) => name));

	if (options.help) {
		process.stdout.write(USAGE);
	} else if (options.list) {
		list(options);
	} else if (options.from !== null) {
		console.log(writeReport(JSON.parse(fs.readFileSync(options.from, 'utf8')), options.out));
	} else {
		return measureAll(options, argv);
	}
	return 0;
}

main(process.argv.slice(2)).then((code) => process.exitCode = code, (error) => {
	say(error instanceof UsageError ? `compare.js: ${error.message} (--help says more)` : error.stack);
	process.exitCode = error instanceof UsageError ? USAGE_ERROR : FAILED;
});
