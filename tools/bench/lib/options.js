'use strict';
/*
 * The command line of compare.js.
 */
const { WORKS } = require('./works.js');

const WORK_NAMES = WORKS.map(({ name }) => name);

const USAGE = `Usage: tools/bench/compare.js [OPTIONS]
Servers that start a process for each request, side by side under load: writes
DIR/report.md, its plots as DIR/*.svg and all rounds as DIR/results.json.

  --rounds N            so many rounds of each (5 to 2; with --quick 2 and 1)
  --seconds S           so many seconds for each round (2 and 1; with --quick 1)
  --only NAME,...       these candidates alone (see --list)
  --work NAME,...       these works alone: ${WORK_NAMES.join(', ')}
  --memory MB,...       with so much memory in the server, for each work, and
  --connections N,...   over so many connections; without either, a choice of
                        works, memory and connections: 20 to 25 minutes
  --quick               a choice that takes 3 to 4 minutes, untraced
  --out DIR             where results go (build/bench)
  --build DIR           where uringspawn was built (build/release)
  --peers DIR           what peers/build has filled: DIR/peers, DIR/npm (build/bench)
  --from FILE           measure nothing: the report of a results.json
  --list                the candidates, and what each of them lacks here
  --help

Sections of other measurements are taken from DIR/engine/*.json,
DIR/profile.json and DIR/pools.json, where these are.

Exit code: 0; 1 when a candidate that is here failed, 2 for a wrong option.
`;

/** A wrong command line; its message is for the user. */
class UsageError extends Error {}

function positive(name, text) {
	const value = Number(text);

	if (!Number.isSafeInteger(value) || value < 1)
		throw new UsageError(`${name}: "${text}" is not a whole number above 0`);
	return value;
}

function number(name, text) {
	if (!/^\d{1,7}$/.test(text))
		throw new UsageError(`${name}: "${text}" is not a number`);
	return Number(text);
}

function list(name, text) {
	const parts = text.split(',').filter((part) => part !== '');

	if (parts.length === 0)
		throw new UsageError(`${name}: names nothing`);
	return [...new Set(parts)];
}

function namesOf(name, text, known) {
	const names = list(name, text);
	const unknown = names.find((one) => !known.includes(one));

	if (unknown !== undefined)
		throw new UsageError(`${name}: there is no "${unknown}"; there are ${known.join(', ')}`);
	return names;
}

/* How the value of each option is read: (options, value, names of candidates). */
const READERS = {
	'--rounds': (options, value) => options.rounds = positive('--rounds', value),
	'--seconds': (options, value) => options.seconds = positive('--seconds', value),
	'--only': (options, value, known) => options.only = namesOf('--only', value, known),
	'--work': (options, value) => options.works = namesOf('--work', value, WORK_NAMES),
	'--memory': (options, value) => options.memory =
		list('--memory', value).map((one) => number('--memory', one)),
	'--connections': (options, value) => options.connections =
		list('--connections', value).map((one) => positive('--connections', one)),
	'--out': (options, value) => options.out = value,
	'--build': (options, value) => options.build = value,
	'--peers': (options, value) => options.peers = value,
	'--from': (options, value) => options.from = value,
};

const FLAGS = { '--quick': 'quick', '--help': 'help', '--list': 'list' };

/** @param {string[]} known  names of candidates */
function parseOptions(argv, known) {
	const options = { rounds: null, seconds: null, only: known, works: WORK_NAMES, memory: null,
		connections: null, quick: false, help: false, list: false, from: null,
		out: 'build/bench', build: 'build/release', peers: 'build/bench' };

	for (let i = 0; i < argv.length; i++) {
		const [name, inline] = /^(--[a-z]+)=(.*)$/s.exec(argv[i])?.slice(1) || [argv[i]];

		if (Object.hasOwn(FLAGS, name) && inline === undefined) {
			options[FLAGS[name]] = true;
		} else if (Object.hasOwn(READERS, name)) {
			const value = inline === undefined ? argv[++i] : inline;

			if (value === undefined || value === '')
				throw new UsageError(`${name}: a value is missing`);
			READERS[name](options, value, known);
		} else {
			throw new UsageError(`what is ${argv[i]}?`);
		}
	}
	return options;
}

module.exports = { parseOptions, UsageError, USAGE };
