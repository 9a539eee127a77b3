'use strict';
/*
 * Streams: every shape of stdio, back-pressure, and ends.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { once } = require('events');
const { pipeline } = require('stream/promises');
const { Readable, Writable } = require('stream');
const { both, watch, closed, directory, SH, textOf } = require('./support/harness.js');

both('each kind, and which streams there are', async ({ spawn }, record) => {
	for (const stdio of ['pipe', 'ignore', 'overlapped', ['pipe', 'pipe', 'pipe'], ['ignore', 'pipe', 'ignore'], [], [null, undefined],
		['pipe'], ['ignore', 'ignore', 'pipe'], ['pipe', 'ignore', 'ignore', 'ignore'], ['pipe', null, null, null]]) {
		const child = spawn(...SH('echo out; echo err >&2'), { stdio: typeof stdio === 'string' ? stdio : [...stdio] });

		record(child.stdin !== null, child.stdout !== null, child.stderr !== null, child.stdio.map((one) => one !== null));
		await watch(child, record);
	}
});

both('stdin to stdout', async ({ spawn }, record) => {
	const child = spawn('cat');

	child.stdin.write('one ');
	child.stdin.write(Buffer.from('two '));
	child.stdin.write('746872656520', 'hex');
	child.stdin.end('four');
	await watch(child, record);
	record(child.stdin.writableFinished, child.stdin.destroyed);
});

both('a stream that is ended without a word', async ({ spawn }, record) => {
	const child = spawn('wc', ['-c']);

	child.stdin.end();
	await watch(child, record);
});

both('corked writes', async ({ spawn }, record) => {
	const child = spawn('cat');

	child.stdin.cork();
	for (let i = 0; i < 100; i++)
		child.stdin.write(`${i} `);
	child.stdin.uncork();
	child.stdin.end();
	await watch(child, record);
});

both('much, both ways', async ({ spawn }, record) => {
	const child = spawn('cat');
	const block = Buffer.alloc(100000, 'abcdefghij');
	let size = 0;

	child.stdout.on('data', (chunk) => size += chunk.length);
	for (let i = 0; i < 100; i++)
		if (!child.stdin.write(block))
			await once(child.stdin, 'drain');
	child.stdin.end();
	await once(child, 'close');
	record(size);
});

both('every byte, in order', async ({ spawn }, record) => {
	const text = Array.from({ length: 50000 }, (_, i) => `${i}\n`).join('');
	const child = spawn('cat');
	const [result] = await Promise.all([textOf(child.stdout), pipeline(Readable.from([text]), child.stdin)]);

	record(result === text);
});

both('write callbacks come, in order', async ({ spawn }, record) => {
	const child = spawn('cat');
	const seen = [];

	child.stdout.resume();
	child.stdin.write('a', () => seen.push('a'));
	child.stdin.write(Buffer.alloc(1000000), () => seen.push('b'));
	child.stdin.end('c', () => seen.push('end'));
	await once(child, 'close');
	record(seen);
});

both('a reader that does not read stops its child, and loses nothing', async ({ spawn }, record) => {
	const child = spawn('head', ['-c', '5000000', '/dev/zero']);
	let exited = false;

	child.on('exit', () => exited = true);
	await once(child.stdout, 'readable');
	await new Promise((resolve) => setTimeout(resolve, 200));
	record('it waits', !exited);
	let size = 0;
	child.stdout.on('data', (chunk) => size += chunk.length);
	await once(child, 'close');
	record(size);
});

both('a writer to who does not read has to wait', async ({ spawn }, record) => {
	const child = spawn('sleep', ['100']);
	let drained = false;

	child.stdin.on('error', () => {});
	child.stdin.on('drain', () => drained = true);
	while (child.stdin.write(Buffer.alloc(65536)) || child.stdin.writableLength < 4000000)
		if (child.stdin.writableLength >= 4000000)
			break;
	await new Promise((resolve) => setTimeout(resolve, 100));
	record(drained);
	child.kill('SIGKILL');
	await once(child, 'close');
});

both('nobody reads: it is thrown away, and close comes', async ({ spawn }, record) => {
	const child = spawn(...SH('head -c 10000 /dev/zero; echo err >&2'));

	record(await once(child, 'close'));
});

both('a stream that was touched and not read', async ({ spawn }, record) => {
	const child = spawn(...SH('head -c 100000 /dev/zero'));

	child.stdout.on('end', () => record('end'));
	child.stderr.pause();
	record(await once(child, 'close'));
});

both('characters that are cut', async ({ spawn }, record) => {
	const child = spawn(...SH('printf "\\342\\202"; sleep 0.05; printf "\\254x"'));

	child.stdout.setEncoding('utf8');
	record(await textOf(child.stdout));
});

both('the encodings of a stream', async ({ spawn }, record) => {
	for (const encoding of ['utf8', 'latin1', 'hex', 'base64']) {
		const child = spawn('printf', ['h\\351llo']);

		child.stdout.setEncoding(encoding);
		record(await textOf(child.stdout));
	}
});

both('stdout that is destroyed: its writer cannot go on', async ({ spawn }, record) => {
	const child = spawn('yes');

	child.stdout.once('data', () => child.stdout.destroy());
	/* From a pipe it gets SIGPIPE, from the runtime's socket ECONNRESET. */
	record((await once(child, 'exit'))[0] !== 0);
});

both('stdout that is destroyed with an error', async ({ spawn }, record) => {
	const child = spawn('yes');

	child.stdout.on('error', (error) => record('error', error.message));
	child.stdout.once('data', () => child.stdout.destroy(new Error('mine')));
	record((await closed(child))[0] !== 0);
});

both('stdin that nobody reads any more', async ({ spawn }, record) => {
	const child = spawn(...SH('exec <&-; echo closed; exec sleep 100'));

	await once(child.stdout, 'data');
	const failed = once(child.stdin, 'error');
	const timer = setInterval(() => child.stdin.writable && child.stdin.write('x'), 5);
	const [error] = await failed;
	clearInterval(timer);
	record(error.code, error.syscall, error.errno);
	child.kill('SIGKILL');
	await once(child, 'close');
});

both('stdin after the exit', async ({ spawn }, record) => {
	const child = spawn('true');

	await once(child, 'close');
	record(child.stdin.destroyed, child.stdin.writable);
	child.stdin.on('error', () => {});
	record(await new Promise((resolve) => child.stdin.write('x', (error) => resolve(error.code))));
});

both('a descendant that holds stdout: close waits, exit does not', async ({ spawn }, record) => {
	const child = spawn(...SH('(sleep 0.3; echo late) & echo early'));

	await watch(child, record);
});

both('descriptors beyond the third', async ({ spawn }, record) => {
	const child = spawn(...SH('cat <&3 >&4; echo five >&5'), { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe', 'pipe'] });
	const texts = [textOf(child.stdio[4]), textOf(child.stdio[5])];

	child.stdio[3].end('to three');
	record(await Promise.all(texts));
	await once(child, 'close');
});

both('a descriptor for both ways', async ({ spawn }, record) => {
	const child = spawn(...SH('read a <&3; echo "got $a" >&3; read b <&3; echo "and $b" >&3'), { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
	const text = textOf(child.stdio[3]);

	child.stdio[3].write('hello\n');
	child.stdio[3].end('rest\n');
	record(await text);
	await once(child, 'close');
}, { way: 'descriptors' });

both('a file, by its descriptor and by its stream', async ({ spawn }, record) => {
	const file = path.join(directory, 'out');
	const fd = fs.openSync(file, 'w');

	await watch(spawn('echo', ['by descriptor'], { stdio: ['ignore', fd, 'ignore'] }), record);
	const stream = fs.createWriteStream(file, { flags: 'a' });
	await once(stream, 'open');
	const child = spawn('echo', ['by stream'], { stdio: ['ignore', stream, 'ignore'] });
	record(child.stdout);
	await watch(child, record);
	stream.destroy();
	fs.closeSync(fd);
	record(fs.readFileSync(file, 'utf8'));
	const input = fs.openSync(file, 'r');
	await watch(spawn('cat', [], { stdio: [input, 'pipe', 'pipe'] }), record);
	fs.closeSync(input);
}, { way: 'descriptors' });

both('inherited streams', async ({ spawn }, record) => {
	const child = spawn(...SH('exit 0'), { stdio: 'inherit' });

	record(child.stdin, child.stdout, child.stderr, child.stdio);
	await watch(child, record);
	await watch(spawn(...SH('exit 0'), { stdio: [0, 1, 2] }), record);
	await watch(spawn(...SH('exit 0'), { stdio: [process.stdin, process.stdout, process.stderr] }), record);
}, { way: 'descriptors' });

both('the output of one is the input of another', async ({ spawn }, record) => {
	const one = spawn('echo', ['from one to two']);
	const two = spawn('tr', ['a-z', 'A-Z']);

	one.stdout.pipe(two.stdin);
	await watch(two, record);
});

both('the stdout of one as the stdin of another', async ({ spawn }, record) => {
	const one = spawn('echo', ['from one to two']);
	const two = spawn('tr', ['a-z', 'A-Z'], { stdio: [one.stdout, 'pipe', 'inherit'] });

	record(two.stdin);
	record(await textOf(two.stdout));
	if (two.exitCode === null)
		await once(two, 'close');
	record(two.stdio.map((one) => one !== null), two.exitCode);
}, { way: 'descriptors' });

both('pipe() to a slow writer', async ({ spawn }, record) => {
	const child = spawn('head', ['-c', '1000000', '/dev/zero']);
	let size = 0;
	const slow = new Writable({
		highWaterMark: 1000,
		write(chunk, encoding, callback) {
			size += chunk.length;
			setImmediate(callback);
		},
	});

	await pipeline(child.stdout, slow);
	record(size);
});

both('pipe() to many writers, each slow in its own way', async ({ spawn }, record) => {
	const sizes = Array.from({ length: 60 }, async (_, n) => {
		const child = spawn('head', ['-c', '170000', '/dev/zero']);
		let size = 0;
		const slow = new Writable({
			highWaterMark: 16384,
			write(chunk, encoding, callback) {
				size += chunk.length;
				setTimeout(callback, n % 7);
			},
		});

		child.stdout.pipe(slow, { end: n % 2 === 0 });
		await once(n % 2 === 0 ? slow : child, n % 2 === 0 ? 'finish' : 'close');
		if (n % 2 === 1)
			await new Promise((resolve) => slow.end(resolve));
		return size;
	});

	record(await Promise.all(sizes));
});

both('reading by read()', async ({ spawn }, record) => {
	const child = spawn('printf', ['abcdef']);
	let text = '';

	child.stdout.on('readable', () => {
		for (let chunk; (chunk = child.stdout.read(2)) !== null;)
			text += `${chunk},`;
	});
	await once(child.stdout, 'end');
	record(text);
});

both('ref() and unref() of a stream return it', async ({ spawn }, record) => {
	const child = spawn('true');

	record(child.stdout.unref() === child.stdout, child.stdin.ref() === child.stdin);
	await once(child, 'close');
});
