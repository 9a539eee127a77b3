// From a child of the client to the Response of Bun and of Deno; the routes of both.
import process from 'node:process';

const { BENCH_FILE, BENCH_LARGE, BENCH_BALLAST_MB } = process.env;

const programs = new Map([
	['/echo', ['echo', ['hi']]],
	['/cat', ['cat', [BENCH_FILE]]],
	['/large', ['cat', [BENCH_LARGE]]],
	['/fail', ['false', []]],
	['/sleep', ['sleep', ['0.02']]],
]);

// The memory that a real server would have, each page written to.
globalThis.ballast = new Uint8Array(Number(BENCH_BALLAST_MB || 0) * 2 ** 20).fill(1);

// What the child writes, as it comes; it does not outlive who asked for it.
function output(first, child) {
	const { stdout } = child;

	return new ReadableStream({
		start(controller) {
			controller.enqueue(first);
			stdout.on('data', (chunk) => {
				controller.enqueue(chunk);
				if (controller.desiredSize <= 0)
					stdout.pause();
			});
			stdout.on('end', () => controller.close());
		},
		pull() {
			stdout.resume();
		},
		cancel() {
			stdout.destroy();
			child.kill();
		},
	});
}

function answer(child) {
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.stderr.resume();
		child.stdout.once('data', (first) => {
			child.stdout.pause();
			resolve(new Response(output(first, child)));
		});
		child.on('close', (code, signal) => resolve(code === 0 ? new Response() :
			new Response(`exit ${code ?? signal}\n`, { status: 500 })));
	});
}

/** What is said to a request; spawn is child_process's or the client's. */
export function respond(request, spawn) {
	const program = programs.get(new URL(request.url).pathname);

	return program ? answer(spawn(...program)) : new Response('not found\n', { status: 404 });
}
