'use strict';
/*
 * What every candidate promises, a statement each.  Two servers are asked: one as in the
 * comparison, and one that has other programs and files in the place of the usual ones.
 */
const assert = require('assert');
const { execFileSync } = require('child_process');
const fs = require('fs');
const http = require('http');
const path = require('path');
const { text } = require('stream/consumers');
const { get, giveUp, open } = require('./requests.js');
const { until } = require('./server.js');

const FILE_BYTES = 166972;
const LARGE_BYTES = 10 * 2 ** 20;
const BALLAST_MB = 256;
const SECONDS = 1000;
const PROGRAMS = ['echo', 'cat', 'false', 'sleep'];

/* The same in each run, with no period that a chunk could have. */
function bytes(length) {
	const words = Uint32Array.from({ length: Math.ceil(length / 4) },
		(_, i) => Math.imul(i + 1, 2654435761));

	return Buffer.from(words.buffer, 0, length);
}

/** Files of both servers, in a directory that the caller removes. */
function prepare(directory) {
	const file = bytes(FILE_BYTES);
	const large = bytes(LARGE_BYTES);
	const at = (name) => path.join(directory, name);

	fs.writeFileSync(at('file'), file);
	fs.writeFileSync(at('large'), large);
	execFileSync('mkfifo', [at('fifo')]);
	fs.mkdirSync(at('bin'));
	/* `false` that prints its environment, and this line */
	fs.writeFileSync(at('bin/false'), '#!/bin/cat /proc/self/environ\n', { mode: 0o755 });
	return {
		usual: { BENCH_FILE: at('file'), BENCH_LARGE: at('large'), BENCH_BALLAST_MB: '0' },
		other: {
			BENCH_FILE: at('file'), BENCH_LARGE: at('fifo'), BENCH_BALLAST_MB: String(BALLAST_MB),
			PATH: `${at('bin')}:${process.env.PATH}`,
		},
		answers: {
			'/echo': [200, Buffer.from('hi\n')],
			'/cat': [200, file],
			'/large': [200, large],
			'/fail': [500, Buffer.from('exit 1\n')],
			'/sleep': [200, Buffer.alloc(0)],
			'/none': [404, null],
		},
	};
}

function compare(where, { status, body }, [expectedStatus, expectedBody]) {
	assert.strictEqual(status, expectedStatus, `${where}: status ${status}, not ${expectedStatus}`);
	assert(expectedBody === null || body.equals(expectedBody), `${where}: ${body.length} bytes ` +
		`are not the ${expectedBody?.length} that were to come`);
}

/* Those that it has started for requests. */
const running = (server) => server.processes().filter(({ name }) => PROGRAMS.includes(name));

async function noneRuns(server) {
	assert(await until(() => running(server).length === 0, 10 * SECONDS),
		`${running(server).map(({ name, pid }) => `${name} ${pid}`).join(', ')} still there`);
}

async function endsOnSigterm(server, port) {
	server.child.kill('SIGTERM');
	assert(await until(() => server.how !== undefined, 5 * SECONDS), 'it runs after 5 s');
	assert(await until(() => server.processes().length === 0, 5 * SECONDS), 'left 5 s later: ' +
		server.processes().map(({ name, pid }) => `${name} ${pid}`).join(', '));
	await assert.rejects(get(port, '/echo'), undefined, 'somebody still answers');
}

/** Tests of a server as it is compared: [statement, async function] each. */
function usualTests(server, port, { answers }) {
	const paths = Object.keys(answers);

	return [
		...paths.map((one) => [`${one} is ${answers[one][0]}, byte for byte`, async () =>
			compare(one, await get(port, one), answers[one])]),
		['a connection serves one request after the other', async () => {
			const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

			for (const [i, one] of [...paths, '/echo'].entries()) {
				const answer = await get(port, one, agent);

				compare(one, answer, answers[one]);
				assert(i === 0 || answer.reused, `${one}: over a new connection`);
			}
			agent.destroy();
		}],
		['fifty requests at once', async () => {
			const agent = new http.Agent({ keepAlive: true });
			const asked = Array.from({ length: 50 }, (_, i) => paths[i % paths.length]);

			await Promise.all(asked.map(async (one) =>
				compare(one, await get(port, one, agent), answers[one])));
			agent.destroy();
		}],
		['clients that go away in the middle leave nothing', async () => {
			const after = [0, 0, 1, 1, 65536, 65536, 1048576, 1048576];

			await Promise.all(after.flatMap((count) => [giveUp(port, '/large', count),
				giveUp(port, '/sleep', 0), giveUp(port, '/echo', 0)]));
			await noneRuns(server);
			for (const one of paths)
				compare(one, await get(port, one), answers[one]);
		}],
		['a client that does not read delays nobody', async () => {
			const silent = await open(port, '/large');

			await Promise.all(Array.from({ length: 10 }, async () =>
				compare('/cat', await get(port, '/cat'), answers['/cat'])));
			silent.destroy();
			await noneRuns(server);
		}],
		['SIGTERM ends it and all that it has', () => endsOnSigterm(server, port)],
	];
}

/** Tests of a server for which programs and files are others. */
function otherTests(server, port, { other }) {
	return [
		['what a program writes is sent before it ends', async () => {
			const opened = open(port, '/large');
			const writer = await fs.promises.open(other.BENCH_LARGE, 'r+'); /* 'w' waits for a reader */

			try {
				await writer.write('first ');
				const chunks = (await opened).setEncoding('utf8')[Symbol.asyncIterator]();

				assert.strictEqual((await chunks.next()).value, 'first ');
				await writer.write('last');
				await writer.close();
				assert.strictEqual(await text(chunks), 'last');
			} finally {
				await writer.close().catch(() => {});
			}
		}],
		['programs are found by PATH and have the whole environment', async () => {
			const { status, body } = await get(port, '/fail');
			const variables = String(body).split('\0').slice(0, -1);
			const missing = Object.keys(server.env)
				.filter((name) => !variables.includes(`${name}=${server.env[name]}`));
			const more = variables.map((one) => one.split('=')[0])
				.filter((name) => !Object.hasOwn(server.env, name));

			assert.strictEqual(status, 200);
			assert.deepStrictEqual(missing, [], 'these are missing or differ');
			return more.length === 0 ? null : `has more variables: ${more.join(' ')}`;
		}],
		[`it holds ${BALLAST_MB} MB where it is asked to`, async () => {
			const most = Math.max(...server.processes().map((one) => one.resident_kib));

			assert(most >= BALLAST_MB * 1024, `none of its processes has more than ${most} KiB`);
		}],
		['SIGTERM ends it and all that it has, ballast or not', () => endsOnSigterm(server, port)],
	];
}

module.exports = { otherTests, prepare, usualTests };
