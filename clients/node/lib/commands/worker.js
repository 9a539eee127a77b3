'use strict';
/*
 * The worker of uringspawn/commands: runs one command after the other for who has it, and
 * sends what that writes as far as there is credit for it.  Each message that it is sent is
 * answered once; what else it sends is of the message that started the command.
 *
 * A command is over when its process has exited and its streams have ended, or have not for a
 * while: somebody that it left behind holds them.  What comes through them from then on is
 * dropped, counted, and never another command's.
 */
const { spawn } = require('child_process');

const STREAMS = ['stdout', 'stderr'];

let current = null;
let dropped = 0; /* bytes since the last report */

/* Who asked may be gone. */
function answer(message) {
	if (process.connected)
		process.send(message);
}

class Command {
	constructor({ id, file, args, options, windowBytes, drainMs }) {
		this.id = id;
		this.over = false;
		this.exit = null;
		this.drainMs = drainMs;
		this.credit = { stdout: windowBytes, stderr: windowBytes };
		this.child = spawn(file, args, options);
		this.open = new Set(STREAMS.filter((name) => this.child[name]));
		this.child.on('spawn', () => this.tell({ spawned: this.child.pid, file: this.child.spawnfile, args: this.child.spawnargs }));
		this.child.on('error', (error) => this.onError(error));
		this.child.on('exit', (code, signal) => this.onExit(code, signal));
		this.open.forEach((name) => this.watch(name));
		if (this.child.stdin)
			this.child.stdin.on('error', () => {}); /* each write says so itself */
	}

	tell(message) {
		answer({ id: this.id, ...message });
	}

	watch(name) {
		const stream = this.child[name];

		stream.on('data', (bytes) => this.onData(name, bytes));
		stream.on('error', () => {}); /* 'close' follows */
		stream.on('close', () => {
			this.open.delete(name);
			if (!this.over)
				this.tell({ ended: name });
			this.step();
		});
	}

	onData(name, bytes) {
		if (this.over) {
			dropped += bytes.length;
			return;
		}
		this.tell({ [name]: bytes });
		this.credit[name] -= bytes.length;
		if (this.credit[name] <= 0)
			this.child[name].pause();
	}

	credited(name, bytes) {
		this.credit[name] += bytes;
		if (this.credit[name] > 0 && this.child[name])
			this.child[name].resume();
	}

	onError(error) {
		const { message, code, errno, syscall, path, spawnargs } = error;

		this.tell({ error: { message, code, errno, syscall, path, spawnargs }, started: this.child.pid !== undefined });
		if (this.child.pid === undefined)
			this.finish();
	}

	onExit(code, signal) {
		this.exit = { code, signal };
		this.tell({ exited: this.exit, killed: this.child.killed });
		if (this.child.stdin)
			this.child.stdin.destroy();
		this.wait();
		this.step();
	}

	/* Time counts while there is credit: a reader that is slow is waited for. */
	wait() {
		this.timer = setTimeout(() => {
			const held = [...this.open].filter((name) => !this.child[name].isPaused());

			if (held.length < this.open.size)
				this.wait();
			else
				this.finish();
		}, this.drainMs);
	}

	step() {
		if (this.exit !== null && this.open.size === 0)
			this.finish();
	}

	finish() {
		if (this.over)
			return;
		this.over = true;
		clearTimeout(this.timer);
		this.tell({ over: true, held: [...this.open], dropped });
		dropped = 0;
		this.open.forEach((name) => {
			this.child[name].resume();
			if (this.child[name].unref) /* it is not what this worker is kept for */
				this.child[name].unref();
		});
		current = null;
	}
}

/* What a message asks for, and its answer; `spawn` answers by what becomes of the command. */
const deeds = {
	spawn(message) {
		if (current !== null)
			throw new Error('a command is running');
		current = new Command(message);
	},
	stdin({ id, bytes }) {
		current.child.stdin.write(bytes, (error) =>
			answer({ id, written: error ? { code: error.code, message: error.message } : true }));
	},
	end({ id }) {
		current.child.stdin.end();
		process.send({ id });
	},
	kill({ id, signal }) {
		process.send({ id, killed: current.child.kill(signal) });
	},
	close({ id, stream }) {
		current.child[stream].destroy();
		process.send({ id });
	},
	credit({ id, stream, bytes }) {
		current.credited(stream, bytes);
		process.send({ id });
	},
};

process.on('message', (message) => {
	if (message.do !== 'spawn' && (current === null || current.id !== message.id))
		process.send({ id: message.id, late: true }); /* it is over */
	else
		deeds[message.do](message);
});
/* Nobody has its command any more. */
process.on('disconnect', () => current !== null && current.child.kill('SIGKILL'));
