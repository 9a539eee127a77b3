import { x } from 'tinyexec';

console.log((await x('echo', ['a'])).stdout, (await x('sh', ['-c', 'echo e >&2; exit 4'])).exitCode);
const lines = [];
for await (const line of x('printf', ['1\n2\n']))
	lines.push(line);
console.log(lines);
const long = x('sleep', ['100'], { timeout: 100 });
await long.then(() => console.log('ended'), (error) => console.log(error.name));
const piped = x('echo', ['through']).pipe('tr', ['a-z', 'A-Z']);
console.log((await piped).stdout);
const killed = x('sleep', ['100']);
console.log(typeof killed.pid, killed.kill(), (await killed).exitCode, killed.killed);
await x('nosuch-program', []).then((r) => console.log('result', r.exitCode), (error) => console.log(error.code ?? error.message));
