'use strict';
/*
 * Runs the program that a request brings, each in a process of its own that has started
 * before: it waits for its program on stdin, and is used once.
 *
 *   node code-runner.js                       # PORT=8000
 *   RUNTIME=deno node code-runner.js          # node (default), bun or deno; or the path of one
 *   curl --data 'console.log(6 * 7)' localhost:8000
 */
const http = require('http');
const path = require('path');
const { createPool } = require('uringspawn');

const RUN_MS = 5000;
const PROGRAM_BYTES_MAX = 1 << 20;
const OUTPUT_BYTES_MAX = 1 << 20;

const runtime = process.env.RUNTIME || process.execPath;
/* Each of them reads a program from stdin, and runs it when that ends. */
const args = path.basename(runtime).startsWith('node') ? ['-'] : ['run', '-'];
/* What it may see of this server's environment. */
const env = { PATH: process.env.PATH, HOME: '/tmp', NO_COLOR: '1' };
const pool = createPool({ kind: 'standby', command: runtime, args, env, spare: 4, max: 16, acquireTimeout: 10000 });

async function read(request) {
	const parts = [];
	let size = 0;

	for await (const part of request) {
		size += part.length;
		if (size > PROGRAM_BYTES_MAX)
			throw new Error('the program is too long');
		parts.push(part);
	}
	return Buffer.concat(parts);
}

/* Resolves to {code, signal, stdout, stderr}. */
function run(program) {
	return new Promise((resolve, reject) => {
		const child = pool.spawn({ timeout: RUN_MS, killSignal: 'SIGKILL' });
		const output = { stdout: '', stderr: '' };

		for (const name of ['stdout', 'stderr']) {
			child[name].setEncoding('utf8');
			child[name].on('data', (text) => {
				output[name] += text;
				if (output[name].length > OUTPUT_BYTES_MAX)
					child.kill('SIGKILL');
			});
		}
		child.on('error', reject);
		child.on('close', (code, signal) => resolve({ code, signal, ...output }));
		child.stdin.on('error', () => {}); /* it ended before it had read all */
		child.stdin.end(program);
	});
}

async function answer(request, response) {
	try {
		const result = await run(await read(request));

		response.setHeader('content-type', 'application/json');
		response.end(`${JSON.stringify(result)}\n`);
	} catch (error) {
		response.statusCode = error.code === 'ERR_POOL_BUSY' ? 503 : 500;
		response.end(`${error.message}\n`);
	}
}

const server = http.createServer(answer);

server.listen(Number(process.env.PORT || 8000), '127.0.0.1', () =>
	console.log(`http://127.0.0.1:${server.address().port}/`));
process.on('SIGTERM', () => {
	server.close();
	pool.close();
});
