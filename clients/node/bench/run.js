'use strict';
/*
 * make bench-node: the client next to the runtime's own child_process, in one run, round by
 * round; medians.
 *
 *   node run.js [--rounds N] [--seconds S] [--only calls|http] [--json FILE]
 *
 * BENCH_PROGRAM: what call.js starts; BENCH_CLOCK: the addon of clock.c; BENCH_LAUNCHER: the
 * uringspawn command.
 */
const fs = require('fs');
const os = require('os');
const { callTable, printCalls } = require('./call_table.js');
const { httpTable, printHttp } = require('./http_table.js');

const options = { rounds: 5, seconds: 4, only: '', json: null };

for (let i = 2; i < process.argv.length; i += 2) {
	const name = process.argv[i].replace(/^--/, '');
	const value = process.argv[i + 1];

	if (!Object.hasOwn(options, name) || value === undefined) {
		console.error(`run.js: what is ${process.argv.slice(i).join(' ')}?`);
		process.exit(2);
	}
	options[name] = name === 'rounds' || name === 'seconds' ? Number(value) : value;
}

async function main() {
	const result = { node: process.version, rounds: options.rounds };

	console.log(`node ${process.version}, ${os.cpus().length} CPUs, Linux ${os.release()}, ` +
		`${Object.keys(process.env).length} variables, medians of ${options.rounds} rounds\n`);
	if (options.only !== 'http')
		printCalls(result.calls = callTable(options.rounds));
	if (options.only !== 'calls')
		printHttp(result.http = await httpTable(options));
	if (options.json)
		fs.writeFileSync(options.json, `${JSON.stringify(result, null, '\t')}\n`);
}

/* So that 'exit' comes, at which the servers are ended. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, () => process.exit(128 + os.constants.signals[signal]));
main().catch((error) => {
	console.error(error);
	process.exitCode = 1;
});
