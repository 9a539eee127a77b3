'use strict';
/*
 * A child as an object, as seen by what inspects, copies, wraps or watches one; and the
 * context in which it speaks.
 */
const { AsyncLocalStorage, executionAsyncId } = require('async_hooks');
const { once, EventEmitter } = require('events');
const { inspect, promisify } = require('util');
const { both, watch, closed, thrown, isNode, skip, SH } = require('./support/harness.js');

const major = Number(process.versions.node.split('.')[0]);

const ofNode = isNode ? both : (name) => skip(name, 'it is about what Node has of its own');

both('its own properties', async ({ spawn }, record) => {
	const child = spawn('true');
	const own = ['pid', 'stdin', 'stdout', 'stderr', 'stdio', 'exitCode', 'signalCode', 'killed', 'connected', 'spawnfile', 'spawnargs'];

	record(own.map((name) => Object.prototype.hasOwnProperty.call(child, name)));
	record(own.map((name) => Object.keys(child).includes(name)));
	record(own.map((name) => Object.prototype.propertyIsEnumerable.call(child, name)));
	const copy = { ...child };
	record(copy.pid === child.pid, copy.stdin === child.stdin, copy.stdio === child.stdio, copy.spawnfile);
	await watch(child, record);
});

ofNode('its own properties, in their order', async ({ spawn }, record) => {
	const child = spawn('true');

	record(Object.keys(child));
	await watch(child, record);
});

both('its kind', async ({ spawn, ChildProcess }, record) => {
	const child = spawn('true');

	record(Object.getPrototypeOf(child) === ChildProcess.prototype, child instanceof EventEmitter, Object.prototype.toString.call(child));
	record(typeof child.send, typeof child.disconnect, typeof child.channel);
	await watch(child, record);
});

ofNode('shown', async ({ spawn }, record) => {
	const child = spawn('true');

	record(inspect(child, { depth: 0 }).split('\n')[0]);
	record(inspect(child, { depth: -1 }));
	await watch(child, record);
	record(typeof JSON.stringify({ pid: child.pid, code: child.exitCode }));
});

both('what is put in the place of its properties', async ({ spawn }, record) => {
	const child = spawn('echo', ['hi']);
	const { stdout } = child;

	child.stdout = 'mine';
	child.stdin = null;
	child.extra = 1;
	child.pid = 5;
	record(child.stdout, child.stdin, child.extra, child.pid);
	stdout.resume();
	record(await once(child, 'close'));
});

both('kill() that is replaced', async ({ spawn }, record) => {
	const child = spawn('sleep', ['100']);
	const { kill } = child;

	child.kill = function replaced(signal) {
		record('asked', signal);
		return kill.call(this, 'SIGKILL');
	};
	record(child.kill('SIGTERM'));
	await watch(child, record);
});

both('kill() that throws, under exec()', async ({ exec, ChildProcess }, record) => {
	const { kill } = ChildProcess.prototype;
	let child;

	const result = new Promise((resolve) => {
		child = exec('echo much; exec sleep 100', { maxBuffer: 0 }, (error, stdout) => resolve([error.message, stdout]));
		child.kill = () => {
			throw new Error('it does not want to');
		};
	});
	record(await result);
	kill.call(child, 'SIGKILL');
	await once(child, 'exit');
});

both('streams that are taken away before anybody looks', async ({ spawn, exec, ChildProcess }, record) => {
	const before = ChildProcess.prototype.spawn;

	ChildProcess.prototype.spawn = function taken(...args) {
		const ret = before.apply(this, args);

		for (const name of ['stdin', 'stdout', 'stderr']) {
			this[name].destroy();
			this[name] = null;
		}
		return ret;
	};
	try {
		record(await new Promise((resolve) => exec('exit 3', (error, ...output) => resolve([error.code, ...output]))));
		record(await closed(spawn('true')));
	} finally {
		ChildProcess.prototype.spawn = before;
	}
}, { way: null });

both('an emitter that is watched as a whole', async ({ spawn }, record) => {
	const child = spawn(...SH('exit 4'));
	const { emit } = child;

	child.emit = function watched(name, ...args) {
		record(name, ...args);
		return emit.call(this, name, ...args);
	};
	await closed(child);
});

both('more than one listener, once, prepended, removed', async ({ spawn }, record) => {
	const child = spawn('true');
	const never = () => record('never');

	child.on('exit', () => record('second'));
	child.prependListener('exit', () => record('first'));
	child.on('exit', never);
	child.removeListener('exit', never);
	child.once('close', () => record('once'));
	record(child.listenerCount('exit'), child.eventNames().filter((name) => typeof name === 'string'));
	await once(child, 'close');
});

both('a listener that is a promise', async ({ spawn }, record) => {
	const child = spawn('true');
	const order = [];

	child.on('spawn', async () => {
		order.push('spawn');
		await null;
		order.push('after spawn');
	});
	child.on('exit', async () => {
		order.push('exit');
		await null;
		order.push('after exit');
	});
	await once(child, 'exit');
	await new Promise(setImmediate);
	record(order);
});

both('another one from within each event', async ({ spawn, exec, execFile }, record) => {
	const texts = [];
	const again = (name) => new Promise((resolve) => execFile('echo', [name], (error, stdout) => resolve(texts.push(stdout))));
	const child = spawn(...SH('cat; exit 2'));
	const more = [];

	for (const name of ['spawn', 'exit', 'close'])
		child.on(name, () => more.push(again(name)));
	child.stdout.on('data', () => more.push(again('data'))).on('end', () => more.push(again('end')));
	child.stdin.end('text', () => more.push(again('finish')));
	await once(child, 'close');
	await new Promise((resolve) => exec('exit 0', resolve));
	await Promise.all(more);
	record(texts.sort());
});

ofNode('a synchronous one from within each event', async ({ spawn, spawnSync }, record) => {
	const seen = [];
	const children = ['a', 'b', 'c'].map((name) => {
		const child = spawn(...SH(`cat; echo ${name}; exit 2`));

		for (const event of ['spawn', 'exit', 'close'])
			child.on(event, () => seen.push(`${name} ${event} ${spawnSync('echo', [event])['stdout']}`));
		child.stdout.on('data', (chunk) => seen.push(`${name} ${chunk} ${spawnSync('echo', ['data']).stdout}`));
		child.stdin.end();
		return once(child, 'close');
	});

	await Promise.all(children);
	record(seen.sort());
});

both('the context of a callback of exec()', async ({ exec, execFile }, record) => {
	const storage = new AsyncLocalStorage();

	await Promise.all(['one', 'two'].map((name) => storage.run(name, () => new Promise((resolve) =>
		exec('echo hi', () => resolve(record(name === storage.getStore())))))));
	await storage.run('promise', async () => {
		await promisify(execFile)('true');
		record(storage.getStore());
	});
});

both('the context of an error, of a timeout, and of an abort', async ({ spawn }, record) => {
	const storage = new AsyncLocalStorage();
	const controller = new AbortController();
	const calls = [() => spawn('nosuch-program'), () => spawn('sleep', ['100'], { timeout: 30 }),
		() => spawn('sleep', ['100'], { signal: controller.signal })];

	for (const [index, call] of calls.entries()) {
		await storage.run(index, async () => {
			const child = call();
			const seen = [];

			for (const event of ['error', 'exit', 'close'])
				child.on(event, () => seen.push(event, storage.getStore()));
			if (index === 2)
				controller.abort();
			await closed(child);
			record(seen.filter((one) => typeof one === 'string'), seen.every((one) => typeof one === 'string' || one === index));
		});
	}
});

both('the context of what is written, and of a drain', async ({ spawn }, record) => {
	const storage = new AsyncLocalStorage();

	await storage.run('mine', async () => {
		const child = spawn('cat');

		child.stdout.resume();
		child.stdin.on('drain', () => record('drain', storage.getStore()));
		await new Promise((resolve) => child.stdin.write(Buffer.alloc(1000000), () => resolve(record('written', storage.getStore()))));
		child.stdin.end();
		await once(child, 'close');
	});
});

both('an execution id of its own', async ({ spawn }, record) => {
	const here = executionAsyncId();
	const child = spawn('true');

	child.on('exit', () => record(executionAsyncId() > 0, executionAsyncId() !== here));
	await once(child, 'close');
});

ofNode('who subscribed to child_process', async ({ spawn, exec }, record) => {
	const { subscribe, unsubscribe } = require('diagnostics_channel');
	const listen = ({ process: child }) => record('made', child.constructor.name, typeof child.spawnfile);

	if (!subscribe || major < 20) {
		record('it has none');
		return;
	}
	subscribe('child_process', listen);
	await closed(spawn('true'));
	await closed(exec('true'));
	unsubscribe('child_process', listen);
	record('end');
});

ofNode('who traces child_process.spawn', async ({ spawn }, record) => {
	const { tracingChannel } = require('diagnostics_channel');

	record('begin');
	if (!tracingChannel)
		return;
	const tracer = {};
	for (const name of ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
		tracer[name] = (message) => record(name, Object.keys(message).sort(), message.error && message.error.code);
	tracingChannel('child_process.spawn').subscribe(tracer);
	await closed(spawn('true'));
	await closed(spawn('nosuch-program'));
	tracingChannel('child_process.spawn').unsubscribe(tracer);
}, { way: null });

both('many listeners warn as ever', async ({ spawn }, record) => {
	const child = spawn('true');

	record(child.getMaxListeners());
	child.setMaxListeners(3);
	record(child.getMaxListeners());
	await closed(child);
});

both('a class of its own', async ({ ChildProcess }, record) => {
	class Mine extends ChildProcess {
		get name() {
			return `mine: ${this.spawnfile}`;
		}
	}
	const child = new Mine();

	record(child.spawn({ file: 'echo', args: ['echo', 'hi'], envPairs: [`PATH=${process.env.PATH}`] }));
	record(child.name, child instanceof Mine, child instanceof ChildProcess);
	await watch(child, record);
}, { way: null, saysItself: ['bun', 'deno'] });

both('an object that is spawned with twice', async ({ ChildProcess }, record) => {
	const child = new ChildProcess();

	child.spawn({ file: 'true', args: ['true'], envPairs: [] });
	thrown(record, () => new ChildProcess().spawn({ file: 'true', args: ['true'], stdio: 'x' }));
	await closed(child);
	record(child.exitCode);
}, { way: null, saysItself: ['bun', 'deno'] });
