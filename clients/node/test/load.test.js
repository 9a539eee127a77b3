'use strict';
/*
 * Many children at once, and one that nobody reads.
 */
const assert = require('assert');
const fs = require('fs');
const { once } = require('events');
const { test, uringspawn, textOf } = require('./support/harness.js');

const { spawn, exec, stats } = uringspawn;
const MANY = 1000;
const LIMIT_MS = 30000;
/* The window, the pipe and what a stream holds are less. */
const KEPT_BYTES_MAX = 2 << 20;

async function until(probe, what) {
	for (const end = Date.now() + LIMIT_MS; Date.now() < end;) {
		if (await probe())
			return;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	assert.fail(`not within ${LIMIT_MS} ms: ${what}`);
}

function isThere(pid) {
	return fs.existsSync(`/proc/${pid}/stat`);
}

/* Bytes that it wrote so far, whatever to. */
function written(pid) {
	return Number(/^wchar: (\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/io`, 'latin1'))[1]);
}

/* It sleeps, and nothing more is written for a while. */
async function untilItWaits(pid) {
	let last = -1;
	let same = 0;

	await until(() => {
		const now = written(pid);
		const sleeps = /^State:\tS/m.test(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));

		same = sleeps && now === last && now > 0 ? same + 1 : 0;
		last = now;
		return same === 5;
	}, `process ${pid} waits`);
}

test('a thousand children at the same time', async () => {
	const before = stats();
	const children = Array.from({ length: MANY }, () => spawn('cat'));
	const texts = children.map((child) => textOf(child.stdout));
	const ends = children.map((child) => once(child, 'close'));

	await Promise.all(children.map((child) => once(child, 'spawn')));
	const pids = new Set(children.map((child) => child.pid));
	assert.strictEqual(pids.size, MANY);
	assert.ok([...pids].every(isThere), 'all of them run');

	children.forEach((child, n) => child.stdin.end(`told ${n}`));
	for (let n = 0; n < MANY; n++)
		assert.strictEqual(await texts[n], `told ${n}`);
	for (const end of ends)
		assert.deepStrictEqual(await end, [0, null]);
	assert.ok(![...pids].some(isThere), 'none is left');
	assert.strictEqual(stats().relayed - before.relayed, MANY);
});

test('a thousand that are killed in one turn', async () => {
	const children = Array.from({ length: MANY }, () => spawn('sleep', ['1000']));
	const ends = children.map((child) => once(child, 'close'));

	await Promise.all(children.map((child) => once(child, 'spawn')));
	assert.ok(children.every((child) => child.kill()), 'each was there to be killed');
	for (const end of ends)
		assert.deepStrictEqual(await end, [null, 'SIGTERM']);
});

test('who does not read one child stops that one alone', async () => {
	const ignored = spawn('yes');
	const { stdout } = ignored; /* made, and never read */
	await once(ignored, 'spawn');
	const { pid } = ignored;

	await untilItWaits(pid);

	const others = Array.from({ length: 100 }, () => spawn('head', ['-c', '300000', '/dev/zero']));
	for (const text of await Promise.all(others.map((child) => textOf(child.stdout))))
		assert.strictEqual(text.length, 300000);
	assert.ok(written(pid) < KEPT_BYTES_MAX, `${written(pid)} bytes were taken from it`);

	let read = 0;
	stdout.on('data', (chunk) => read += chunk.length);
	await until(() => read > 4 * KEPT_BYTES_MAX, 'it goes on when it is read');
	stdout.pause();
	await untilItWaits(pid);
	const end = once(ignored, 'close');
	ignored.kill('SIGKILL');
	stdout.resume();
	assert.deepStrictEqual(await end, [null, 'SIGKILL']);
});

test('many that nobody reads, and one that is', async () => {
	const ignored = Array.from({ length: 50 }, () => spawn('yes'));
	ignored.forEach((child) => child.stdout);
	await Promise.all(ignored.map((child) => once(child, 'spawn')));
	await Promise.all(ignored.map(({ pid }) => untilItWaits(pid)));

	const text = await textOf(spawn('head', ['-c', '5000000', '/dev/zero']).stdout);
	assert.strictEqual(text.length, 5000000);
	const ends = ignored.map((child) => once(child, 'close'));
	ignored.forEach((child) => child.kill('SIGKILL'));
	ignored.forEach((child) => child.stdout.destroy());
	await Promise.all(ends);
});

test('a burst of shells, each with its own answer', async () => {
	const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => new Promise((resolve, reject) => {
		exec(`echo ${n}; exit ${n % 3}`, (error, stdout) => {
			if ((error ? error.code : 0) === n % 3)
				resolve(stdout);
			else
				reject(error || new Error(`no error of ${n}`));
		});
	})));

	answers.forEach((answer, n) => assert.strictEqual(answer, `${n}\n`));
});
