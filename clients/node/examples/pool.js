'use strict';
/*
 * A pool of forked workers: each answers one message after the other; a new one takes the
 * place, and the questions, of one that dies.
 */
const { fork } = require('uringspawn');

const WORKERS = 2;

function work() {
	process.on('message', ({ id, n }) => {
		if (n === 3 && process.env.POOL_WORKER === 'first')
			process.exit(1); /* as a bug would do it */
		process.send({ id, square: n * n });
	});
}

class Pool {
	constructor(size) {
		this.next = 0;
		this.members = Array.from({ length: size }, () => this.start({ asked: new Map() }, 'first'));
	}

	start(member, which) {
		const worker = fork(__filename, [], { env: { ...process.env, POOL_WORKER: which } });

		member.worker = worker;
		worker.on('message', ({ id, square }) => {
			const question = member.asked.get(id);

			member.asked.delete(id);
			if (question) /* it may have been asked twice */
				question.resolve(square);
		});
		worker.on('exit', (code) => {
			if (member.asked.size === 0)
				return;
			console.log(`a worker ended with ${code}: another takes its place`);
			this.start(member, 'another');
			member.asked.forEach(({ n }, id) => member.worker.send({ id, n }));
		});
		return member;
	}

	square(n) {
		const id = this.next++;
		const { asked, worker } = this.members[id % this.members.length];

		return new Promise((resolve) => {
			asked.set(id, { n, resolve });
			worker.send({ id, n });
		});
	}

	close() {
		this.members.forEach(({ worker }) => worker.disconnect());
	}
}

function main() {
	const pool = new Pool(WORKERS);

	Promise.all([1, 2, 3, 4, 5, 6].map((n) => pool.square(n))).then((squares) => {
		console.log(squares.join(' '));
		pool.close();
	});
}

if (process.send)
	work();
else
	main();
