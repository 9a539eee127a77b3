'use strict';
/*
 * The worker of resettable.js: has a shell run what it is sent, and sends what that printed.
 */
const { spawn } = require('child_process');
const { once } = require('events');

const END = 'this is the end of what a command printed';

const start = () => spawn('sh', [], { stdio: ['pipe', 'pipe', 'inherit'] });

let shell = start();

async function reset() {
	shell.kill('SIGKILL');
	await once(shell, 'exit');
	shell.stdout.destroy(); /* and whatever somebody writes there yet */
	shell = start();
	return 'clean';
}

async function run(command) {
	let output = '';

	shell.stdin.write(`${command}\necho '${END}'\n`);
	while (!output.endsWith(`${END}\n`)) {
		const [part] = await once(shell.stdout, 'data');

		output += part;
	}
	return output.slice(0, -END.length - 1).trimEnd();
}

process.on('message', async (message) => process.send(await (message === 'reset' ? reset() : run(message))));
process.on('disconnect', () => shell.kill('SIGKILL'));
