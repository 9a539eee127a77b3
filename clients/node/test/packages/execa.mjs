import { execa, execaSync, $, execaCommand, execaNode } from 'execa';

const show = (name, value) => console.log(name, JSON.stringify(value, (key, one) =>
	['durationMs', 'pid', 'stack', 'cwd'].includes(key) ? undefined : one));
const outcome = async (name, promise) => {
	try {
		const { command, exitCode, stdout, stderr, all, failed, timedOut, isCanceled, isTerminated, signal } = await promise;
		show(name, { command, exitCode, stdout, stderr, all, failed, timedOut, isCanceled, isTerminated, signal });
	} catch (error) {
		const { shortMessage, code, exitCode, stdout, stderr, failed, timedOut, isCanceled, isTerminated, isMaxBuffer, signal } = error;
		show(name, { shortMessage, code, exitCode, stdout, stderr, failed, timedOut, isCanceled, isTerminated, isMaxBuffer, signal });
	}
};

await outcome('echo', execa('echo', ['a', 'b']));
await outcome('input', execa('cat', { input: 'given' }));
await outcome('all', execa('sh', ['-c', 'echo out; echo err >&2'], { all: true }));
await outcome('fails', execa('sh', ['-c', 'echo out; exit 3']));
await outcome('nosuch', execa('nosuch-program', ['x']));
await outcome('cwd', execa('pwd', { cwd: '/nowhere' }));
await outcome('timeout', execa('sleep', ['100'], { timeout: 100 }));
await outcome('signal', execa('sh', ['-c', 'kill -INT $$']));
await outcome('buffer', execa('sh', ['-c', 'echo 0123456789'], { maxBuffer: 4 }));
await outcome('shell', execa('echo $0 | tr a-z A-Z', { shell: true }));
await outcome('env', execa('sh', ['-c', 'echo $ADDED'], { env: { ADDED: 'yes' } }));
await outcome('lines', execa('printf', ['a\nb\nc'], { lines: true }));
await outcome('pipe', execa('echo', ['through']).pipe('tr', ['a-z', 'A-Z']));
await outcome('command', execaCommand('echo one two'));
await outcome('script', $`echo ${'with spaces'}`);
await outcome('node', execaNode('-e', ['console.log(process.argv.length)'], { nodeOptions: [] }));
await outcome('ignore', execa('echo', ['x'], { stdio: 'ignore' }));
await outcome('inherit', execa('echo', ['inherited'], { stdout: 'inherit' }));
await outcome('buffer encoding', execa('printf', ['ab'], { encoding: 'hex' }));

const controller = new AbortController();
const cancelled = outcome('cancelled', execa('sleep', ['100'], { cancelSignal: controller.signal }));
setTimeout(() => controller.abort(), 50);
await cancelled;

const killed = execa('sleep', ['100'], { reject: false });
killed.kill();
await outcome('killed', killed);

const iterated = [];
for await (const line of execa('printf', ['1\n2\n3\n']))
	iterated.push(line);
show('iterated', iterated);

const ipc = execa('node', ['-e', 'process.on("message", (m) => { process.send({ got: m }); process.disconnect(); })'], { ipc: true });
await ipc.sendMessage({ hello: 1 });
show('ipc', await ipc.getOneMessage());
await outcome('ipc end', ipc);

for (const [name, call] of Object.entries({
	sync: () => execaSync('echo', ['sync']), 'sync fails': () => execaSync('false'), 'sync nosuch': () => execaSync('nosuch-program'),
	'sync input': () => execaSync('cat', { input: 'in' }),
})) {
	try {
		const { stdout, exitCode } = call();
		show(name, { stdout, exitCode });
	} catch ({ shortMessage, code, exitCode }) {
		show(name, { shortMessage, code, exitCode });
	}
}
