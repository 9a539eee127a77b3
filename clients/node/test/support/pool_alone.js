'use strict';
/*
 * As much of a pool as uringspawn/commands needs, with one worker and without a daemon.
 */
const { EventEmitter } = require('events');
const { TestWorker, KIND } = require('./pool_worker.js');

class LentWorker extends EventEmitter {
	constructor(worker, giveBack) {
		super();
		this.worker = worker;
		this.pid = worker.child.pid;
		this.giveBack = giveBack;
		this.seen = worker.frames.length;
		this.unanswered = 0;
		this.connected = !worker.hasExited;
		this.onData = () => this.tell();
		worker.channel.on('data', this.onData);
		worker.child.once('exit', (code, signal) => {
			this.connected = false;
			this.emit('exit', code, signal);
		});
	}

	tell() {
		while (this.seen < this.worker.frames.length) {
			const { kind, message } = this.worker.frames[this.seen++];

			this.unanswered -= kind === KIND.MORE ? 0 : 1;
			if (kind === KIND.ERROR)
				this.emit('error', Object.assign(new Error(message.message), { code: message.code }));
			else
				this.emit('message', message);
		}
	}

	send(message) {
		this.unanswered++;
		this.worker.ask(message);
	}

	release() {
		this.worker.channel.off('data', this.onData);
		this.giveBack();
	}
}

class PoolAlone {
	constructor(program) {
		this.worker = new TestWorker({ program, serialization: 'advanced' });
		this.last = this.worker.untilReady();
	}

	async acquire() {
		const before = this.last;
		let giveBack;

		this.last = new Promise((resolve) => {
			giveBack = resolve;
		});
		await before;
		return new LentWorker(this.worker, giveBack);
	}

	async stats() {
		return { busy: 1 };
	}

	async drain() {
		await this.last;
	}

	async close() {
		if (!this.worker.hasExited)
			await this.last;
		await this.worker.end();
	}
}

module.exports = { PoolAlone };
