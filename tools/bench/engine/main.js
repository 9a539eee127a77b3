'use strict';
/*
 * What starting programs costs by itself: each measurement below leaves OUT/engine/NAME.json,
 * {"tables": [{title, note, command, columns, rows}]}; all targets are in the first of them.
 *
 *   tools/bench/engine/run BUILD OUT [--quick] [--only NAME,...]
 *
 * One that fails is a table that says so, and the exit code is 1 then; 2 for a wrong command line.
 */
const fs = require('fs');
const path = require('path');
const { Session } = require('./session.js');
const { notMeasured } = require('./missing.js');
const { targetTable } = require('./targets.js');

/* In the order of the report.  Each resolves to {tables, found}, by names of targets.js. */
const MEASUREMENTS = {
	loops: require('./loops.js'),
	go: require('./go.js'),
	policies: require('./policies.js'),
	load: require('./load.js'),
	environment: require('./environment.js'),
	outputs: require('./outputs.js'),
	cgroups: require('./cgroups.js'),
	memory: require('./memory.js'),
	calls: require('./calls.js'),
	fairness: require('./fairness.js'),
	map: require('./map.js'),
};

const USAGE = 'usage: tools/bench/engine/run BUILD OUT [--quick] [--only NAME,...]\n' +
	`NAME: ${Object.keys(MEASUREMENTS).join(', ')}`;

class UsageError extends Error {}

function namesOf(text) {
	const names = (text || '').split(',').filter((name) => name !== '');
	const unknown = names.find((name) => !Object.hasOwn(MEASUREMENTS, name));

	if (names.length === 0 || unknown !== undefined)
		throw new UsageError(`--only: there is no "${unknown === undefined ? '' : unknown}"`);
	return names;
}

function parse(argv) {
	const options = { quick: false, names: Object.keys(MEASUREMENTS), places: [] };

	for (let i = 0; i < argv.length; i++) {
		if (argv[i] === '--quick')
			options.quick = true;
		else if (argv[i] === '--only')
			options.names = namesOf(argv[++i]);
		else if (argv[i].startsWith('-'))
			throw new UsageError(`what is ${argv[i]}?`);
		else
			options.places.push(argv[i]);
	}
	if (options.places.length < 2)
		throw new UsageError('BUILD and OUT are missing');
	if (options.places.length > 2)
		throw new UsageError(`what is ${options.places[2]}?`);
	const [build, out] = options.places.map((place) => path.resolve(place));

	fs.accessSync(path.join(build, 'uringspawn'), fs.constants.X_OK);
	return { ...options, build, directory: path.join(out, 'engine') };
}

async function measure(name, session) {
	console.error(`engine: ${name}`);
	try {
		return await MEASUREMENTS[name](session);
	} catch (error) {
		console.error(`engine: ${name}: ${error.message}`);
		process.exitCode = 1;
		return notMeasured(name, error.message);
	}
}

/* The place of each in the report is that of its file's name. */
function write(directory, number, name, tables) {
	const file = path.join(directory, `${String(number).padStart(2, '0')}-${name}.json`);

	fs.writeFileSync(file, `${JSON.stringify({ tables }, null, '\t')}\n`);
}

async function main() {
	const options = parse(process.argv.slice(2));
	const session = new Session(options);
	const all = {};

	fs.rmSync(options.directory, { recursive: true, force: true });
	fs.mkdirSync(options.directory, { recursive: true });
	for (const [number, name] of options.names.entries()) {
		const { tables, found } = await measure(name, session);

		Object.assign(all, found);
		write(options.directory, number + 1, name, tables);
	}
	write(options.directory, 0, 'targets', [targetTable(all)]);
	session.close();
}

main().catch((error) => {
	console.error(`engine: ${error.message}`);
	if (error instanceof UsageError)
		console.error(USAGE);
	process.exit(error instanceof UsageError ? 2 : 1);
});
