'use strict';
/*
 * One round of one kind: echoes of a message, so many outstanding at any time, each answer
 * checked.  Prints {"rate", "parent_us"}: answers in a second, and CPU time of this process for each.
 *
 *   node echo.js '{"kind", "workers", "outstanding", "requests", "bytes", "serialization", "genericPool", "bun"}'
 *
 * bytes: of the message; 0: a small object, as it is usual.
 */
const { KINDS } = require('./kinds.js');

const WARM_UP = 0.2;

/* The message of a number, and what is wrong with an answer to it. */
function worksOf({ bytes, serialization }) {
	if (bytes === 0)
		return { message: (n) => ({ id: n, name: 'a message as it is usual', list: [n, 2, 3] }),
			wrong: (answer, n) => !answer || answer.id !== n || answer.list[0] !== n || answer.name !== 'a message as it is usual' };
	if (serialization === 'advanced') {
		const buffer = Buffer.alloc(bytes, 'abcdefg');

		return { message: (n) => ({ n, buffer }), wrong: (answer, n) => answer.n !== n || buffer.compare(answer.buffer) !== 0 };
	}
	const text = 'abcdefg'.repeat(Math.ceil(bytes / 7)).slice(0, bytes);

	return { message: (n) => ({ n, text }), wrong: (answer, n) => answer.n !== n || answer.text !== text };
}

async function ask(pool, works, requests, outstanding) {
	let next = 0;

	await Promise.all(Array.from({ length: outstanding }, async () => {
		while (next < requests) {
			const n = next++;

			if (works.wrong(await pool.run(works.message(n)), n))
				throw new Error(`a wrong answer to message ${n}`);
		}
	}));
}

async function main(given) {
	const { kind, requests, outstanding } = given;
	const pool = await KINDS[kind](given);
	const works = worksOf(given);

	await ask(pool, works, Math.ceil(requests * WARM_UP), outstanding);
	const cpu = process.cpuUsage(), begun = process.hrtime.bigint();
	await ask(pool, works, requests, outstanding);
	const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
	const { user, system } = process.cpuUsage(cpu);
	await pool.close();
	console.log(JSON.stringify({ rate: requests / seconds, parent_us: (user + system) / requests }));
}

main(JSON.parse(process.argv[2])).catch((error) => {
	console.error(error.message);
	process.exit(1);
});
