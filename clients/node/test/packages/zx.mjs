import { $, within, nothrow, quiet } from 'zx';

$.verbose = false;
console.log((await $`echo ${'a b'} "$0" | wc -w`).stdout.trim());
const failed = await $`echo out; echo err >&2; exit 7`.nothrow();
console.log(failed.exitCode, failed.stdout, failed.stderr, failed.signal);
console.log(String(await $`echo one`.pipe($`tr a-z A-Z`)).trim());
console.log(await $`exit 3`.catch((error) => error.exitCode));
const slow = $`sleep 100`.nothrow();
setTimeout(() => slow.kill('SIGTERM'), 100);
console.log((await slow).signal);
const timed = await $({ timeout: '200ms', nothrow: true })`sleep 100`;
console.log(timed.signal);
const cat = $`cat`;
cat.stdin.write('written');
cat.stdin.end();
console.log(String(await cat));
await within(async () => {
	$.cwd = '/';
	console.log(String(await $`pwd`).trim());
});
console.log(($.sync`echo sync`).stdout.trim());
const lines = [];
for await (const line of $`printf '1\n2\n'`)
	lines.push(line);
console.log(lines);
console.log(await Promise.all([1, 2, 3].map(async (i) => Number(String(await $`echo ${i}`)))));
