'use strict';
/*
 * What is asked of each server, and the answer that is right.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');

const FILE_BYTES = 166972;
const LARGE_BYTES = 10 * 1000 * 1000;
const LINE = 'abcdefghijklmnopqrstuvwxyz\n';

const text = Buffer.from;

/** {name, title, where, status, body} */
const WORKS = [
	{ name: 'echo', title: '`echo hi`', where: '/echo', status: 200, body: text('hi\n') },
	{ name: 'cat', title: '`cat` of 163 KiB', where: '/cat', status: 200,
		body: Buffer.alloc(FILE_BYTES, LINE) },
	{ name: 'large', title: '`cat` of 10 MB', where: '/large', status: 200,
		body: Buffer.alloc(LARGE_BYTES, LINE) },
	{ name: 'fail', title: '`false`, a 500', where: '/fail', status: 500, body: text('exit 1\n') },
	{ name: 'sleep', title: '`sleep 0.02`', where: '/sleep', status: 200, body: Buffer.alloc(0) },
];

const work = (name) => WORKS.find((one) => one.name === name);

/**
 * The files that the works read: {directory, environment}; the caller removes the directory, and
 * where it ends without that, it is removed as well.
 */
function makeFiles() {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-bench-'));
	const file = path.join(directory, 'file');
	const large = path.join(directory, 'large');

	process.once('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
	fs.writeFileSync(file, work('cat').body);
	fs.writeFileSync(large, work('large').body);
	return { directory, environment: { BENCH_FILE: file, BENCH_LARGE: large } };
}

module.exports = { WORKS, work, makeFiles };
