'use strict';
/*
 * Jobs whose output comes over a Unix socket of its own each: a worker connects, says by its
 * first four bytes which job it is, and writes what the program writes.  What is to be run, and
 * how it ended, are messages.
 *
 *   to a worker     {id, address, program: [name, args]}      from it   {id, code}
 */
const { fork } = require('child_process');
const net = require('net');
const { finish } = require('./answer.js');

const ID_BYTES = 4;
const jobs = new Map(); /* of all workers: their outputs come to one server */
let nextId = 0;

const server = net.createServer((socket) => {
	socket.on('error', () => socket.destroy()); /* the worker is gone */
	socket.once('readable', function read() {
		const id = socket.read(ID_BYTES);

		if (id === null) {
			if (!socket.readableEnded)
				socket.once('readable', read);
			return;
		}
		const job = jobs.get(id.readUInt32LE());

		if (job) /* else its client is gone */
			job.attach(socket);
		else
			socket.destroy();
	});
});

/** One request: it ends when its output has, and the code is known. */
class Job {
	constructor(response, forget) {
		this.id = nextId++ >>> 0;
		this.response = response;
		this.code = undefined;
		this.ended = false;
		response.on('close', () => {
			jobs.delete(this.id);
			forget(this);
			this.socket?.destroy();
		});
		jobs.set(this.id, this);
	}

	attach(socket) {
		this.socket = socket;
		socket.pipe(this.response, { end: false });
		socket.on('end', () => {
			this.ended = true;
			this.finish();
		});
	}

	finish() {
		if (this.ended && this.code !== undefined)
			finish(this.response, this.code);
	}
}

/** What one worker has been asked for. */
class SocketJobs {
	constructor(send) {
		this.send = send;
		this.asked = new Set();
	}

	get count() {
		return this.asked.size;
	}

	start(response, program) {
		const job = new Job(response, () => this.asked.delete(job));

		this.asked.add(job);
		this.send({ id: job.id, address: server.address(), program });
	}

	receive({ id, code }) {
		const job = jobs.get(id);

		if (job) {
			job.code = code;
			job.finish();
		}
	}

	/** The worker is gone. */
	fail() {
		this.asked.forEach(({ response }) => response.destroy());
	}
}

/** Workers can connect from the time on that this calls back. */
function listen(address, callback) {
	server.listen(address, callback);
}

/** @returns {{process, jobs}} a worker of file */
function startWorker(file, options) {
	const worker = fork(file, options);
	const jobs = new SocketJobs((message) => worker.connected && worker.send(message));

	worker.on('message', (message) => jobs.receive(message));
	worker.on('error', (error) => console.error(error.message)); /* 'exit' follows */
	return { process: worker, jobs };
}

module.exports = { ID_BYTES, listen, startWorker };
