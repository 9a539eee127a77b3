'use strict';
/*
 * A pool in one daemon: from POOL_OPEN until it is closed, or the connection is lost.  After
 * that the pool is opened anew, by another one of these.
 */
const { getSystemErrorName } = require('util');
const frames = require('./frames.js');
const { TYPE } = require('../wire.js');
const { PoolError } = require('./errors.js');

/* Of a worker's output that this program's own stdout does not take as fast as it comes, so much is kept. */
const OUTPUT_BYTES_MAX = 1 << 20;

class Opening {
	constructor(pool, connection) {
		this.pool = pool;
		this.connection = connection;
		this.resource = null;
		this.id = 0;
		this.resizes = []; /* {resolve, reject}, in the order in which they are answered */
		this.ending = null;
	}

	open() {
		const { connection } = this;
		const { options } = this.pool;
		const member = options.member && { __proto__: null, ...options.member, umask: connection.templates.common.umask };

		this.id = connection.enterPool(this);
		frames.writePoolOpen(connection.writer, this.id, { ...options, member });
		connection.flushSoon();
	}

	/** @returns {Promise} rejected with what the daemon says against it */
	resize(size) {
		const { connection } = this;

		frames.writePoolResize(connection.writer, this.id, size);
		connection.flushSoon();
		return new Promise((resolve, reject) => this.resizes.push({ resolve, reject }));
	}

	/** @returns {Promise} resolved when no process of it is left, or the daemon is gone */
	end(drainMs) {
		const { connection } = this;

		frames.writePoolClose(connection.writer, this.id, true, drainMs);
		connection.flushSoon();
		return new Promise((resolve, reject) => {
			this.ending = { resolve, reject };
		});
	}

	leave() {
		const { connection } = this;

		frames.writePoolClose(connection.writer, this.id, false, 0);
		connection.leavePool(this.id);
		connection.flush();
	}

	/* ---- of the connection ------------------------------------------------------------------- */

	onPoolDone(answers, number, field) {
		const error = number === 0 ? null : refusal(this.pool, number, field);

		if (answers === TYPE.POOL_OPEN) {
			if (error === null)
				return;
			this.connection.leavePool(this.id);
			this.resizes.splice(0).forEach((one) => one.reject(error));
			settle(this.ending, null);
			this.pool.onRefused(error);
			return;
		}
		if (answers === TYPE.POOL_CLOSE)
			this.connection.leavePool(this.id);
		settle(answers === TYPE.POOL_RESIZE ? this.resizes.shift() : this.ending, error);
	}

	onPoolOutput(stream, pid, bytes) {
		const { pool } = this;

		if (pool.options.output === 'event') {
			pool.tell('output', bytes, { pid, stream });
			return;
		}
		const out = stream === 1 ? process.stdout : process.stderr;
		if (out.writableLength > OUTPUT_BYTES_MAX)
			pool.counts.droppedBytes += bytes.length;
		else
			out.write(bytes);
	}

	onLost(error) {
		const lost = new PoolError('ERR_POOL_LOST', `the daemon was lost: ${error.message}`, { cause: error });

		this.resizes.splice(0).forEach((one) => one.reject(lost));
		settle(this.ending, null);
		if (this.pool.opening === this)
			this.pool.onLost(error);
	}
}

function settle(one, error) {
	if (!one)
		return;
	if (error === null)
		one.resolve();
	else
		one.reject(error);
}

function refusal(pool, number, field) {
	const name = getSystemErrorName(-number);

	return new PoolError('ERR_POOL_REFUSED', `${pool.what}: the daemon refuses the pool: ${name}${field ? ` ${field}` : ''}`,
		{ errno: -number, reason: name, field });
}

module.exports = { Opening };
