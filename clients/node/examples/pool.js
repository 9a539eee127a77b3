'use strict';
/*
 * A pool of forked workers: each answers one message after the other; a new one takes the
 * place of one that dies.
 */
const { fork } = require('uringspawn');

const WORKERS = 2;

if (process.send) {
	process.on('message', ({ id, n }) => process.send({ id, square: n * n }));
} else {
	main();
}

function main() {
	const waiting = new Map();
	const workers = Array.from({ length: WORKERS }, start);
	let next = 0;

	function start(_, at) {
		const worker = fork(__filename);

		worker.on('message', ({ id, square }) => {
			waiting.get(id)(square);
			waiting.delete(id);
		});
		worker.on('exit', () => {
			if (waiting.size > 0)
				workers[at] = start(_, at);
		});
		return worker;
	}

	function square(n) {
		return new Promise((resolve) => {
			const id = next++;

			waiting.set(id, resolve);
			workers[id % WORKERS].send({ id, n });
		});
	}

	Promise.all([1, 2, 3, 4, 5].map(square)).then((squares) => {
		console.log(squares.join(' '));
		workers.forEach((worker) => worker.disconnect());
	});
}
