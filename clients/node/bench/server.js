'use strict';
/*
 * A process per request, written for node:child_process: /echo and /cat.
 */
const { spawn } = require('child_process');
const http = require('http');

const FILE = process.env.BENCH_FILE;

http.createServer((request, response) => {
	const child = request.url === '/cat' ? spawn('cat', [FILE]) : spawn('echo', ['hi']);

	child.stdout.pipe(response);
}).listen(0, '127.0.0.1', function listening() {
	console.log(this.address().port);
});
