'use strict';
/*
 * The other end of a worker's channel, for tests of lib/pool/worker.cjs without a pool: starts
 * a program with it, and says what frames come.
 */
const path = require('path');
const { spawn } = require('child_process');
const { Reader, KIND, HEADER_BYTES } = require('../../lib/pool/worker_channel.js');

const preloaded = path.join(__dirname, '..', '..', 'lib', 'pool', 'worker.cjs');

class TestWorker {
	/** @param {object} options  execPath, program, args, serialization, env */
	constructor({ execPath = process.execPath, program, args = [], serialization = 'json', env = {} }) {
		const flag = path.basename(execPath).startsWith('bun') ? '--preload' : '--require';

		this.codec = serialization === 'advanced' ? require('../../lib/pool/worker_advanced.js') : null;
		this.frames = [];
		this.waiting = [];
		this.ready = false;
		this.nextId = 1;
		this.errors = '';
		this.child = spawn(execPath, [flag, preloaded, program, ...args], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
			env: { ...process.env, ...env, URINGSPAWN_POOL_CHANNEL: '3', URINGSPAWN_POOL_SERIALIZATION: serialization } });
		this.channel = this.child.stdio[3];
		this.child.stderr.on('data', (part) => {
			this.errors += part;
		});
		this.exited = new Promise((resolve) => this.child.on('exit', (code, signal) => {
			this.hasExited = true;
			this.settle();
			resolve(signal || code);
		}));
		this.read();
	}

	read() {
		const reader = new Reader((kind, id, bytes, start, end) => {
			const text = () => bytes.toString('utf8', start, end);

			this.frames.push({ kind, id, message: kind === KIND.SYNC ? text() :
				this.codec && kind !== KIND.ERROR ? this.codec.decode(bytes, start, end) : JSON.parse(text()) });
		});

		this.channel.on('error', () => {});
		this.channel.on('data', (chunk) => {
			if (!this.ready) {
				if (chunk[0] !== 0)
					throw new Error('a frame came before the worker was ready');
				this.ready = true;
				chunk = chunk.subarray(1);
			}
			for (let at = 0; at < chunk.length;) {
				const size = chunk.copy(reader.space(), 0, at);

				at += size;
				reader.commit(size);
			}
			this.settle();
		});
	}

	frame(kind, id, message) {
		const payload = this.codec ? this.codec.encode(message) :
			Buffer.concat([Buffer.alloc(HEADER_BYTES), Buffer.from(JSON.stringify(message))]);

		payload.writeUInt32LE(payload.length - 4, 0);
		payload.writeUInt32LE(id, 4);
		payload[8] = kind;
		return payload;
	}

	/** Send requests in one write; resolves to the number of each. */
	ask(...messages) {
		const ids = messages.map(() => this.nextId++);

		this.channel.write(Buffer.concat(messages.map((message, i) => this.frame(KIND.REQUEST, ids[i], message))));
		return ids;
	}

	/** Resolves when there are `count` frames, with all of them. */
	until(count) {
		return this.when(() => this.frames.length >= count && this.frames, `${count} frames`);
	}

	untilReady() {
		return this.when(() => this.ready, 'readiness');
	}

	when(probe, what) {
		return new Promise((resolve, reject) => {
			this.waiting.push({ probe, what, resolve, reject });
			this.settle();
		});
	}

	settle() {
		this.waiting = this.waiting.filter(({ probe, what, resolve, reject }) => {
			const value = probe();

			if (value)
				resolve(value);
			else if (this.hasExited)
				reject(new Error(`it ended before ${what}: ${this.errors}`));
			return !value && !this.hasExited;
		});
	}

	/** Close the channel; resolves to the exit code or signal. */
	end() {
		this.channel.end();
		return this.exited;
	}
}

module.exports = { TestWorker, KIND, preloaded };
