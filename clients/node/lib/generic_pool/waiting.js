'use strict';
/*
 * Who waits for a resource: a line for each priority, of which 0 is first.
 */

class TimeoutError extends Error {
	constructor(message) {
		super(message);
		this.name = 'TimeoutError';
	}
}

class Waiting {
	constructor(priorities, timeoutMs) {
		this.lines = Array.from({ length: priorities }, () => new Set());
		this.timeoutMs = timeoutMs;
		this.length = 0;
	}

	/* Out of range is last; none is 0. */
	lineOf(priority) {
		const number = Math.trunc(Number(priority)) || 0;

		return number < 0 || number >= this.lines.length ? this.lines.length - 1 : number;
	}

	/** @param {function} onTimeout  after one was taken out of its line and failed */
	add(priority, resolve, reject, onTimeout) {
		const line = this.lines[this.lineOf(priority)];
		const one = { line, resolve, reject, timer: null };

		if (this.timeoutMs > 0 && this.timeoutMs !== Infinity)
			one.timer = setTimeout(() => {
				this.remove(one);
				reject(new TimeoutError('ResourceRequest timed out'));
				onTimeout();
			}, this.timeoutMs);
		line.add(one);
		this.length++;
	}

	remove(one) {
		one.line.delete(one);
		this.length--;
		clearTimeout(one.timer);
	}

	/** The first in line, taken out of it; null: nobody waits. */
	take() {
		for (const line of this.lines)
			for (const one of line) {
				this.remove(one);
				return one;
			}
		return null;
	}
}

module.exports = { Waiting, TimeoutError };
