// A process per request in Bun: Bun.serve and Bun.spawn.

const programs = new Map([
	['/echo', ['echo', 'hi']],
	['/cat', ['cat', process.env.BENCH_FILE]],
	['/large', ['cat', process.env.BENCH_LARGE]],
	['/fail', ['false']],
	['/sleep', ['sleep', '0.02']],
]);

// The memory that a real server would have, each page written to.
globalThis.ballast = Buffer.alloc(Number(process.env.BENCH_BALLAST_MB || 0) * 2 ** 20, 1);

// What was read to know the status, and all that follows, as it comes.
function output(first, reader, child) {
	return new ReadableStream({
		start(controller) {
			controller.enqueue(first);
		},
		async pull(controller) {
			const { done, value } = await reader.read();

			if (done)
				controller.close();
			else
				controller.enqueue(value);
		},
		cancel() {
			child.kill();
			return reader.cancel();
		},
	});
}

async function answer(program) {
	const child = Bun.spawn(program, { stdout: 'pipe' });
	const reader = child.stdout.getReader();
	const { done, value } = await reader.read();

	if (!done)
		return new Response(output(value, reader, child));
	const code = await child.exited;
	return code === 0 ? new Response() : new Response(`exit ${code}\n`, { status: 500 });
}

const server = Bun.serve({
	hostname: '127.0.0.1',
	port: 0,
	fetch(request) {
		const program = programs.get(new URL(request.url).pathname);

		return program ? answer(program) : new Response('not found\n', { status: 404 });
	},
});

console.log(server.port);
