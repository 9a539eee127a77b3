'use strict';
/*
 * Programs that are joined: a stream of one child as stdio of another.
 */
const { once } = require('events');
const { both, closed, SH, textOf } = require('./support/harness.js');

both('two that write into the stdin of a third', async ({ spawn }, record) => {
	const all = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
	const one = spawn('cat', { stdio: ['pipe', all.stdin, 'inherit'] });
	const two = spawn('cat', { stdio: ['pipe', all.stdin, 'inherit'] });
	const text = textOf(all.stdout);

	record(one.stdout, two.stdout);
	one.stdin.end('one\n');
	await once(one, 'close');
	two.stdin.end('two\n');
	await once(two, 'close');
	all.stdin.end();
	record(await text);
}, { way: null });

both('its stdin is let go while another writes into it', async ({ spawn }, record) => {
	const all = spawn('cat');
	const text = textOf(all.stdout);
	const one = spawn(...SH('echo early; sleep 0.2; echo late'), { stdio: ['ignore', all.stdin, 'inherit'] });

	all.stdin.destroy();
	record(await closed(one));
	record(await text);
}, { way: null });

both('the fourth descriptor is the stdin of another', async ({ spawn }, record) => {
	const all = spawn('cat');
	const text = textOf(all.stdout);
	const one = spawn(...SH('echo to three >&3'), { stdio: ['ignore', 'ignore', 'inherit', all.stdin] });

	record(one.stdio.map((each) => each !== null));
	await closed(one);
	all.stdin.end();
	record(await text);
}, { way: null });

both('the reader of what two write ends: they are told', async ({ spawn }, record) => {
	const all = spawn('head', ['-n', '1']);
	const writers = ['a', 'b'].map((name) => spawn('yes', [name], { stdio: ['ignore', all.stdin, 'ignore'] }));
	const text = textOf(all.stdout);

	all.stdin.on('error', () => {});
	const ends = await Promise.all(writers.map(closed));
	record(/^[ab]\n$/.test(await text), ends.map(([code, signal]) => code !== 0 || signal !== null));
}, { way: null });

both('much into the stdin of another', async ({ spawn }, record) => {
	const all = spawn('wc', ['-c']);
	const text = textOf(all.stdout);
	const one = spawn('head', ['-c', '3000000', '/dev/zero'], { stdio: ['ignore', all.stdin, 'inherit'] });

	await closed(one);
	all.stdin.end();
	record((await text).trim());
}, { way: null });

both('much into the stdin of another that reads late', async ({ spawn }, record) => {
	const all = spawn(...SH('sleep 0.3; wc -c'));
	const text = textOf(all.stdout);
	const one = spawn('head', ['-c', '3000000', '/dev/zero'], { stdio: ['ignore', all.stdin, 'inherit'] });

	await closed(one);
	all.stdin.end();
	record((await text).trim());
}, { way: null });

both('stderr into the stdin of another', async ({ spawn }, record) => {
	const all = spawn('cat');
	const text = textOf(all.stdout);
	const one = spawn(...SH('echo out; echo err >&2'), { stdio: ['ignore', 'pipe', all.stdin] });

	record(await textOf(one.stdout));
	all.stdin.end();
	record(await text);
}, { way: null });

both('a chain of three, each the stdin of the next', async ({ spawn }, record) => {
	const one = spawn('printf', ['c\\nb\\na\\n']);
	const two = spawn('sort', { stdio: [one.stdout, 'pipe', 'inherit'] });
	const three = spawn('tr', ['a-z', 'A-Z'], { stdio: [two.stdout, 'pipe', 'inherit'] });

	record(await textOf(three.stdout));
}, { way: null });

both('one that ends first does not hang the one that writes to it', async ({ spawn }, record) => {
	const one = spawn('yes');
	const two = spawn('head', ['-n', '2'], { stdio: [one.stdout, 'pipe', 'inherit'] });

	record(await textOf(two.stdout));
	one.stdout.destroy();
	await once(one, 'exit');
	record('it ended');
}, { way: null });

both('one that did not start is joined to nothing', async ({ spawn }, record) => {
	const one = spawn('nosuch-program');
	one.on('error', () => {});
	const two = spawn('cat', { stdio: [one.stdout, 'pipe', 'inherit'] });

	record(await textOf(two.stdout));
}, { way: null });

both('a wrong stream', async ({ spawn }, record) => {
	const { PassThrough } = require('stream');

	for (const stdio of [[new PassThrough(), 'pipe', 'pipe'], ['pipe', new PassThrough(), 'pipe'], [{}, 'pipe', 'pipe'], ['pipe', 'pipe', { fd: 'x' }]]) {
		try {
			spawn('true', { stdio });
			record('no error');
		} catch (error) {
			record(error.code, error.name);
		}
	}
}, { way: null, saysItself: ['bun', 'deno'] });

both('the sides of a descriptor above the third', async ({ spawn }, record) => {
	const one = spawn(...SH('echo from three >&3'), { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
	const two = spawn('cat', { stdio: [one.stdio[3], 'pipe', 'inherit'] });

	record(await textOf(two.stdout));
}, { way: null });
