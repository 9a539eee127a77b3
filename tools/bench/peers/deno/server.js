// A process per request in Deno: Deno.serve and Deno.Command.

const programs = new Map([
	['/echo', ['echo', 'hi']],
	['/cat', ['cat', Deno.env.get('BENCH_FILE')]],
	['/large', ['cat', Deno.env.get('BENCH_LARGE')]],
	['/fail', ['false']],
	['/sleep', ['sleep', '0.02']],
]);

// The memory that a real server would have, each page written to.
globalThis.ballast = new Uint8Array(Number(Deno.env.get('BENCH_BALLAST_MB') ?? 0) * 2 ** 20)
	.fill(1);

// What was read to know the status, and all that follows, as it comes.
function output(first, reader) {
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
			return reader.cancel(); // the child's next write ends it
		},
	});
}

async function answer([name, ...args]) {
	const child = new Deno.Command(name, { args, stdin: 'null', stdout: 'piped' }).spawn();
	const reader = child.stdout.getReader();
	const { done, value } = await reader.read();

	if (!done)
		return new Response(output(value, reader));
	const { code } = await child.status;
	return code === 0 ? new Response() : new Response(`exit ${code}\n`, { status: 500 });
}

Deno.serve({
	hostname: '127.0.0.1',
	port: 0,
	onListen: ({ port }) => console.log(port),
}, (request) => {
	const program = programs.get(new URL(request.url).pathname);

	return program ? answer(program) : new Response('not found\n', { status: 404 });
});
