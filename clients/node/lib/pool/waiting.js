'use strict';
/*
 * The requests that wait for a worker: those of a higher priority first, then who came first.
 */

/* Taken from the front in constant time. What was settled meanwhile is passed over. */
class Line {
	constructor(priority) {
		this.priority = priority;
		this.items = [];
		this.front = 0;
	}

	first() {
		while (this.front < this.items.length) {
			const one = this.items[this.front];

			if (!one.settled)
				return one;
			this.drop();
		}
		return undefined;
	}

	drop() {
		this.items[this.front++] = undefined;
		if (this.front === this.items.length) {
			this.items.length = 0;
			this.front = 0;
		} else if (this.front >= 1024 && 2 * this.front >= this.items.length) {
			this.items.splice(0, this.front);
			this.front = 0;
		}
	}
}

class Waiting {
	constructor() {
		this.lines = []; /* by priority, the highest first */
		this.size = 0; /* without what was settled: see left() */
	}

	push(request) {
		let at = 0;

		while (at < this.lines.length && this.lines[at].priority > request.priority)
			at++;
		if (at === this.lines.length || this.lines[at].priority !== request.priority)
			this.lines.splice(at, 0, new Line(request.priority));
		this.lines[at].items.push(request);
		this.size++;
	}

	/** The next one, which stays; undefined: there is none. */
	first() {
		while (this.lines.length > 0) {
			const one = this.lines[0].first();

			if (one !== undefined)
				return one;
			this.lines.shift();
		}
		return undefined;
	}

	/** Take what first() gave. */
	shift() {
		const one = this.first();

		if (one !== undefined) {
			this.lines[0].drop();
			this.size--;
			one.waits = false;
		}
		return one;
	}

	/** One that waits was settled: it stays until its turn comes, or until many did. */
	left() {
		this.size--;
		if (this.size === 0)
			this.lines = [];
		else if (this.held() > 2 * this.size + 1024)
			this.lines.forEach((line) => {
				line.items = line.items.slice(line.front).filter((one) => !one.settled);
				line.front = 0;
			});
	}

	held() {
		let n = 0;

		for (const line of this.lines)
			n += line.items.length - line.front;
		return n;
	}

	/** Take all, in their order. */
	takeAll() {
		const all = [];

		for (let one = this.shift(); one !== undefined; one = this.shift())
			all.push(one);
		return all;
	}
}

module.exports = { Waiting };
