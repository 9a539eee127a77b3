'use strict';
/*
 * The streams of a child as what they are to the rest of Node: states, events and their
 * order, and everything of node:stream that takes one.
 */
const fs = require('fs');
const { once } = require('events');
const stream = require('stream');
const { pipeline, finished } = require('stream/promises');
const readline = require('readline');
const { both, closed, SH, textOf } = require('./support/harness.js');

/* What code that is handed any stream asks of it, for the ways that it goes. */
function state(one, index) {
	const names = ['readable', 'writable', 'destroyed', 'closed', 'errored', 'readableFlowing', 'readableEnded', 'readableEncoding',
		'readableObjectMode', 'writableEnded', 'writableFinished', 'writableObjectMode', 'writableCorked', 'writableNeedDrain',
		'readableHighWaterMark', 'writableHighWaterMark', 'readableLength', 'writableLength', 'readableAborted'];

	return Object.fromEntries(names.filter((name) => !(index === 0 ? /^readable./ : index < 3 ? /^writable/ : /^none/).test(name))
		.map((name) => [name, one[name]]));
}

/* The events of a stream, in their order; stdout and stderr of the runtime's are sockets, which finish as well. */
function events(one, index, seen = []) {
	for (const name of ['ready', 'connect', 'end', ...(index === 1 || index === 2 ? [] : ['finish']), 'error', 'close', 'drain'])
		one.on(name, (...args) => seen.push(name === 'error' ? `error ${args[0].code || args[0].message}` : name === 'close' ? `close ${args[0]}` : name));
	return seen;
}

both('what its streams are, at first and at last', async ({ spawn }, record) => {
	const child = spawn('cat', { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });

	child.stdio.forEach((one, index) => record(state(one, index)));
	child.stdin.end();
	child.stdio[3].resume();
	child.stdout.resume();
	child.stderr.resume();
	await once(child, 'close');
	child.stdio.forEach((one, index) => record(state(one, index)));
});

both('what its streams are in between', async ({ spawn }, record) => {
	const child = spawn('cat');

	child.stdin.write('text');
	await once(child.stdout, 'readable');
	record(child.stdout.readable, child.stdout.readableFlowing, child.stdout.readableLength);
	record(String(child.stdout.read()), child.stdin.writableLength, child.stdin.bytesWritten, child.stdout.bytesRead);
	child.stdin.end();
	child.stdout.resume();
	await once(child, 'close');
});

both('the events of each stream', async ({ spawn }, record) => {
	const child = spawn('cat');
	const seen = child.stdio.map((one, index) => events(one, index));

	child.stdout.resume();
	child.stderr.resume();
	child.stdin.end('text');
	await Promise.all([child, ...child.stdio].map((one) => once(one, 'close')));
	record(seen);
});

both('the events of each stream of one that did not start', async ({ spawn }, record) => {
	const child = spawn('nosuch-program');
	const seen = child.stdio.map((one, index) => events(one, index));

	await closed(child);
	await new Promise(setImmediate);
	record(seen);
	child.stdio.forEach((one, index) => record({ ...state(one, index), readableFlowing: 'of no interest' }));
});

both('the events of each stream of one that was killed', async ({ spawn }, record) => {
	const child = spawn('cat');
	const seen = child.stdio.map((one, index) => events(one, index));

	child.stdin.write('text');
	await once(child.stdout, 'data');
	child.kill('SIGKILL');
	await Promise.all(child.stdio.map((one) => once(one, 'close')));
	record(seen);
});

both('destroyed: what comes', async ({ spawn }, record) => {
	for (const [index, error] of [[0], [1], [2], [0, new Error('mine')], [1, new Error('mine')]]) {
		const child = spawn(...SH('sleep 0.1'));
		const seen = events(child.stdio[index], index);

		record(child.stdio[index].destroy(error) === child.stdio[index], child.stdio[index].destroyed);
		await once(child, 'close');
		record(index, seen);
	}
});

both('destroyed while much is to be written', async ({ spawn }, record) => {
	const child = spawn('sleep', ['100']);
	const codes = (call) => new Promise((resolve) => call((error) => resolve(error && error.code)));
	const called = [codes((callback) => child.stdin.write(Buffer.alloc(5000000), callback)),
		codes((callback) => child.stdin.write('more', callback)), codes((callback) => child.stdin.end(callback))];

	child.stdin.on('error', () => {});
	child.stdin.destroy();
	/* Of the first the runtime says nothing, or ECANCELED, by its version. */
	record((await Promise.all(called)).map((code, i) => i > 0 && code !== null));
	child.kill('SIGKILL');
	await once(child, 'close');
});

both('killed while much is to be written', async ({ spawn }, record) => {
	const child = spawn('sleep', ['100']);
	let error;

	child.stdin.on('error', (one) => error = one);
	child.stdin.write(Buffer.alloc(5000000));
	child.on('spawn', () => child.kill('SIGKILL'));
	record(await once(child, 'close'));
	record(child.stdin.destroyed, error === undefined || ['EPIPE', 'ECONNRESET'].includes(error.code));
});

both('end() is called twice, and written to afterwards', async ({ spawn }, record) => {
	const child = spawn('cat');

	child.stdin.on('error', (error) => record(error.code, error.message));
	child.stdin.end('x');
	child.stdin.end();
	await new Promise((resolve) => child.stdin.end((error) => resolve(record(error && error.code))));
	child.stdin.write('y', (error) => record(error.code));
	record(await textOf(child.stdout));
	if (child.exitCode === null)
		await once(child, 'close');
});

both('what cannot be written', async ({ spawn }, record) => {
	const child = spawn('cat');

	for (const value of [null, undefined, 5, {}, [], true]) {
		try {
			child.stdin.write(value);
			record('no error');
		} catch (error) {
			record(error.code, error.message);
		}
	}
	child.stdin.end();
	child.stdout.resume();
	await once(child, 'close');
});

both('views of each kind are written', async ({ spawn }, record) => {
	const child = spawn('cat');

	child.stdin.write(new Uint8Array([65, 66]));
	child.stdin.write('');
	child.stdin.write(Buffer.alloc(0));
	child.stdin.setDefaultEncoding('hex');
	child.stdin.write('4344');
	child.stdin.end('45');
	record(await textOf(child.stdout));
});

both('a buffer that is changed after the callback', async ({ spawn }, record) => {
	const child = spawn('cat');
	const block = Buffer.alloc(10, 'a');
	const text = textOf(child.stdout);

	await new Promise((resolve) => child.stdin.write(block, resolve));
	block.fill('b');
	child.stdin.end(block);
	record(await text);
});

both('the finish of stdin: its callback, finished(), and the end', async ({ spawn }, record) => {
	const child = spawn('cat');

	child.stdout.resume();
	const seen = [];
	child.stdin.end('x', () => seen.push('callback'));
	await finished(child.stdin);
	await once(child, 'close');
	record(seen, child.stdin.writableFinished);
});

both('finished() of stdout', async ({ spawn }, record) => {
	const child = spawn('echo', ['x']);

	child.stdout.resume();
	await finished(child.stdout);
	record(child.stdout.readableEnded);
	const other = spawn('sleep', ['100']);
	const end = finished(other.stdout).catch((error) => record(error.code));
	other.stdout.destroy();
	await end;
	other.kill('SIGKILL');
	await once(other, 'close');
});

both('pipeline() through three programs', async ({ spawn }, record) => {
	const [cat, tr, sort] = [spawn('cat'), spawn('tr', ['a-z', 'A-Z']), spawn('sort')];
	const text = textOf(sort.stdout);

	await Promise.all([
		pipeline(stream.Readable.from(['c\nb\n', 'a\n']), cat.stdin),
		pipeline(cat.stdout, tr.stdin),
		pipeline(tr.stdout, sort.stdin),
	]);
	record(await text);
});

both('pipeline() into one that stops reading', async ({ spawn }, record) => {
	const child = spawn('head', ['-c', '5']);
	const text = textOf(child.stdout);
	const endless = new stream.Readable({
		read() {
			this.push(Buffer.alloc(65536, 'x'));
		},
	});
	const error = await pipeline(endless, child.stdin).catch((one) => one);

	record(['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(error.code), endless.destroyed, await text);
});

both('pipeline() out of one into what fails', async ({ spawn }, record) => {
	const child = spawn('yes');
	const failing = new stream.Writable({
		write(chunk, encoding, callback) {
			callback(new Error('full'));
		},
	});
	const error = await pipeline(child.stdout, failing).catch((one) => one);

	record(error.message, child.stdout.destroyed);
	await once(child, 'exit');
	record(child.exitCode !== 0);
});

both('pipeline() with a signal', async ({ spawn }, record) => {
	const child = spawn('yes');
	const controller = new AbortController();
	const sink = new stream.Writable({ write: (chunk, encoding, callback) => setImmediate(callback) });

	child.stdout.once('data', () => controller.abort());
	record((await pipeline(child.stdout, sink, { signal: controller.signal }).catch((error) => error)).code);
	await once(child, 'exit');
	record(child.stdout.destroyed);
});

both('a loop that is left destroys it', async ({ spawn }, record) => {
	const child = spawn('yes');

	for await (const chunk of child.stdout) {
		record(String(chunk).slice(0, 2));
		break;
	}
	record(child.stdout.destroyed);
	await once(child, 'exit');
	record(child.exitCode !== 0);
});

both('lines', async ({ spawn }, record) => {
	const child = spawn(...SH('printf "one\\ntwo\\nthr"; sleep 0.05; printf "ee\\nfour"'));

	for await (const line of readline.createInterface({ input: child.stdout }))
		record(line);
});

both('lines, by events', async ({ spawn }, record) => {
	const child = spawn('seq', ['3']);
	const lines = readline.createInterface({ input: child.stdout, crlfDelay: Infinity });

	lines.on('line', (line) => record(line));
	await Promise.all([once(lines, 'close'), once(child, 'close')]);
});

both('as web streams', async ({ spawn }, record) => {
	const child = spawn('cat');
	const writer = stream.Writable.toWeb(child.stdin).getWriter();
	let text = '';

	await writer.write(Buffer.from('through '));
	await writer.write(Buffer.from('the web'));
	await writer.close();
	for await (const chunk of stream.Readable.toWeb(child.stdout))
		text += Buffer.from(chunk);
	record(text);
});

both('as one duplex', async ({ spawn }, record) => {
	const child = spawn('tr', ['a-z', 'A-Z']);
	const duplex = stream.Duplex.from({ readable: child.stdout, writable: child.stdin });

	duplex.end('shout');
	record(await textOf(duplex));
});

both('the helpers of streams', async ({ spawn }, record) => {
	const child = spawn('seq', ['5']);

	child.stdout.setEncoding('utf8');
	record((await child.stdout.map((text) => text.split('\n').length).toArray()).reduce((a, b) => a + b, 0) > 5);
	record(stream.isReadable(child.stdout), stream.isErrored(child.stdout), stream.isDisturbed(child.stdout));
});

both('wrapped, unpiped, piped again', async ({ spawn }, record) => {
	const child = spawn('cat');
	const [one, two] = [new stream.PassThrough(), new stream.PassThrough()];

	child.stdout.pipe(one);
	child.stdin.write('first');
	record(String((await once(one, 'data'))[0]));
	child.stdout.unpipe(one);
	child.stdout.pipe(two);
	child.stdin.end('second');
	record(await textOf(two), one.readableEnded, one.writableEnded);
});

both('pushed back, paused, and resumed', async ({ spawn }, record) => {
	const child = spawn('echo', ['abc']);

	await once(child.stdout, 'readable');
	const chunk = child.stdout.read();
	child.stdout.unshift(chunk);
	record(child.stdout.isPaused());
	child.stdout.pause();
	record(child.stdout.isPaused());
	const text = textOf(child.stdout);
	record(await text);
});

both('listened to when it has left', async ({ spawn }, record) => {
	const child = spawn('echo', ['late']);
	let text = '';

	child.on('exit', () => child.stdout.on('data', (chunk) => text += chunk));
	await once(child, 'close');
	record(text);
	child.stdout.on('data', () => record('never'));
	await new Promise(setImmediate);
	record(child.stdout.readable, child.stdout.destroyed);
});

both('a listener of readable that does not read all, until it has left', async ({ spawn }, record) => {
	const child = spawn('printf', ['abc']);
	let seen = 0;

	child.stdout.on('readable', () => seen++);
	await once(child, 'exit');
	record(seen > 0);
	record(String(child.stdout.read()));
	await once(child, 'close');
});

both('output that comes in bits is given in bits', async ({ spawn }, record) => {
	const child = spawn(...SH('for i in 1 2 3; do echo $i; read x; done'));

	for await (const chunk of child.stdout) {
		record(String(chunk));
		child.stdin.write('\n');
	}
});

both('conversation, a thousand lines', async ({ spawn }, record) => {
	const child = spawn('cat');
	let count = 0;

	child.stdin.write('0\n');
	for await (const chunk of child.stdout) {
		count = Number(chunk);
		if (count === 1000)
			child.stdin.end();
		else
			child.stdin.write(`${count + 1}\n`);
	}
	record(count);
});

both('stdout and stderr, each in its own order', async ({ spawn }, record) => {
	const child = spawn(...SH('for i in $(seq 200); do echo o$i; echo e$i >&2; done'));
	const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);

	record(out, err);
});

both('both are one where the program makes them one', async ({ spawn }, record) => {
	const child = spawn(...SH('exec 2>&1; for i in 1 2 3; do echo o$i; echo e$i >&2; done'));

	record(await textOf(child.stdout), await textOf(child.stderr));
});

both('stdin from a file, stdout to a file', async ({ spawn }, record) => {
	const child = spawn('wc', ['-c']);
	const text = textOf(child.stdout);

	await pipeline(fs.createReadStream('/proc/self/exe', { end: 3999999 }), child.stdin);
	record((await text).trim());
});

both('the third of more descriptors is for both ways', async ({ spawn }, record) => {
	const child = spawn(...SH('exec cat <&3 >&3'), { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
	const seen = events(child.stdio[3], 3);

	child.stdio[3].write('there and back');
	record(String((await once(child.stdio[3], 'data'))[0]));
	child.kill();
	await once(child, 'close');
	record(seen.filter((one) => one !== 'finish'));
});

both('the order of an end: stdout, exit, close', async ({ spawn }, record) => {
	const child = spawn(...SH('exec >&- 2>&-; exec sleep 0.1'));

	child.stdout.on('close', () => record('stdout')).resume();
	child.on('exit', () => record('exit'));
	child.on('close', () => record('close'));
	await once(child, 'close');
});

both('close comes after the close of each stream', async ({ spawn }, record) => {
	const child = spawn('echo', ['x']);
	let open = 2;

	for (const one of [child.stdout, child.stderr])
		one.on('close', () => open--);
	child.stdout.resume();
	child.stderr.resume();
	await once(child, 'close');
	record(open);
});
