'use strict';
/*
 * The streams of a command that runs in a worker: what is written waits until the worker has
 * written it, and what is read is credited to it once somebody took it.
 */
const { Readable, Writable } = require('stream');

const WINDOW_BYTES = 256 << 10;

class CommandInput extends Writable {
	/** @param {function} ask  (message): to the worker */
	constructor(ask) {
		super();
		this.ask = ask;
		this.done = null;
	}

	_write(bytes, encoding, done) {
		this.done = done;
		this.ask({ do: 'stdin', bytes });
	}

	_final(done) {
		this.ask({ do: 'end' });
		done();
	}

	/** What became of what was written last. */
	written(result) {
		const { done } = this;

		this.done = null;
		if (done)
			done(result === true ? null : Object.assign(new Error(result.message), { code: result.code, syscall: 'write' }));
	}
}

class CommandOutput extends Readable {
	constructor(name, ask) {
		super();
		this.name = name;
		this.ask = ask;
		this.owed = 0;
		this.full = false;
		this.ended = false; /* the last of it has come */
	}

	take(bytes) {
		this.owed += bytes.length;
		this.full = !this.push(bytes);
		this.pay();
	}

	_read() {
		this.full = false;
		this.pay();
	}

	/* Nobody reads it to its end: the command is to know. */
	_destroy(error, done) {
		if (!this.readableEnded)
			this.ask({ do: 'close', stream: this.name });
		done(error);
	}

	pay() {
		if (this.full || this.owed < WINDOW_BYTES / 2)
			return;
		this.ask({ do: 'credit', stream: this.name, bytes: this.owed });
		this.owed = 0;
	}
}

module.exports = { CommandInput, CommandOutput, WINDOW_BYTES };
