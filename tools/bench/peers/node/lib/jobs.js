'use strict';
/*
 * Jobs by messages: the one who answers requests asks, a worker starts the programs and sends
 * back what they write.  Knows neither processes nor threads: both have send and 'message'.
 *
 *   to a worker     {id, type: 'run', program: [name, args]}
 *                   {id, type: 'pause' | 'resume' | 'kill'}
 *   from a worker   {id, chunk}  {id, code}: the last of a job
 */
const { spawn } = require('child_process');
const { finish } = require('./answer.js');

/** What one worker has been asked for. */
class Jobs {
	/** @param {function} [decode]  what a chunk is turned into before it is written */
	constructor(send, decode = (chunk) => chunk) {
		this.send = send;
		this.decode = decode;
		this.responses = new Map();
		this.nextId = 0;
		this.failed = false;
	}

	get count() {
		return this.responses.size;
	}

	start(response, program) {
		const id = this.nextId++;

		if (this.failed) {
			response.destroy();
			return;
		}
		this.responses.set(id, response);
		response.on('drain', () => this.responses.has(id) && this.send({ id, type: 'resume' }));
		response.on('close', () => this.responses.delete(id) && this.send({ id, type: 'kill' }));
		this.send({ id, type: 'run', program });
	}

	receive({ id, chunk, code }) {
		const response = this.responses.get(id);

		if (!response) /* the client is gone */
			return;
		if (chunk === undefined) {
			this.responses.delete(id);
			finish(response, code);
		} else if (!response.write(this.decode(chunk))) {
			this.send({ id, type: 'pause' });
		}
	}

	/** The worker is gone. */
	fail() {
		const responses = [...this.responses.values()];

		this.failed = true;
		this.responses.clear();
		responses.forEach((response) => response.destroy());
	}
}

/**
 * The worker's part.
 * @param {EventEmitter} channel  has the messages
 * @param {function} [encode]  what a chunk is turned into before it is sent
 */
function runJobs(channel, send, encode = (chunk) => chunk) {
	const children = new Map();

	function run(id, [name, args]) {
		const child = spawn(name, args);
		const close = (code) => {
			children.delete(id);
			send({ id, code });
		};

		child.on('error', (error) => console.error(error.message));
		if (!child.stdout) /* not even descriptors for it */
			return close('none');
		children.set(id, child);
		child.stdout.on('data', (chunk) => send({ id, chunk: encode(chunk) }));
		child.stderr.resume();
		child.on('close', (code, signal) => close(code ?? signal));
	}

	channel.on('message', ({ id, type, program }) => {
		const child = children.get(id);

		if (type === 'run')
			run(id, program);
		else if (!child) /* it has ended meanwhile */
			return;
		else if (type === 'kill')
			child.kill();
		else
			child.stdout[type]();
	});
}

module.exports = { Jobs, runJobs };
