'use strict';
/*
 * Programs of others, unmodified: what each prints and returns under register is what it
 * does without.  Prints TAP.
 *
 *   node check.js FOLDER    where npm installs into
 */
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');

const PACKAGES = [
	'execa@9.6.1', 'cross-spawn@7.0.6', 'tinyexec@1.3.1', 'zx@8.8.5', 'shelljs@0.10.0', 'npm-run-all@4.1.5',
];
const LIMIT_MS = 100000;
const register = path.join(__dirname, '..', 'support', 'register-and-count.mjs');

function install(folder) {
	fs.mkdirSync(folder, { recursive: true });
	fs.writeFileSync(path.join(folder, 'package.json'), '{"private": true}');
	const { status, error, stderr } = spawnSync('npm',
		['install', '--no-audit', '--no-fund', '--loglevel=error', ...PACKAGES], { cwd: folder, encoding: 'utf8', timeout: 300000 });

	if (status !== 0)
		process.stderr.write(`${error || stderr}\n`);
	return status === 0;
}

function run(args, cwd) {
	const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: LIMIT_MS });
	const counts = /^COUNTS (.*)$/m.exec(stderr);

	return { stdout, status, stderr, counts: counts && JSON.parse(counts[1]) };
}

/* Returns what is wrong, or ''. */
function compare(file, cwd) {
	const plain = run([file], cwd);
	const registered = run(['--import', register, file], cwd);

	if (plain.status !== 0 || plain.stdout === '')
		return `without register: status ${plain.status}\n${plain.stderr}`;
	if (registered.status !== plain.status || registered.stdout !== plain.stdout)
		return `status ${registered.status}\n${registered.stdout}\ninstead of\n${plain.stdout}\n${registered.stderr}`;
	if (!registered.counts || registered.counts.relayed === 0)
		return 'the daemon started nothing';
	return '';
}

const folder = path.resolve(process.argv[2]);
const programs = fs.readdirSync(__dirname).filter((name) => name !== path.basename(__filename));
const installed = install(folder);
let failed = 0;

for (const name of programs) {
	const file = path.join(folder, name);

	if (!installed) {
		console.log(`ok - ${name} # SKIP npm has no registry here`);
		continue;
	}
	fs.copyFileSync(path.join(__dirname, name), file);
	const wrong = compare(file, folder);
	console.log(`${wrong ? 'not ok' : 'ok'} - ${name}`);
	if (wrong)
		console.log(wrong.replace(/^/gm, '# '));
	failed += wrong ? 1 : 0;
}
process.exit(failed > 0 ? 1 : 0);
