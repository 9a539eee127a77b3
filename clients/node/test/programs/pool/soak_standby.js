'use strict';
/*
 * The standby process of bench/soak_pools.js: one request on stdin, its answer on stdout.
 */
const { spawn } = require('child_process');
const { answerTo } = require('../../../bench/soak_answers.js');

let text = '';

process.stdin.setEncoding('utf8');
process.stdin.on('data', (part) => text += part);
process.stdin.on('end', () => {
	const message = JSON.parse(text);

	if (message.fault === 'crash')
		process.exit(1);
	if (message.fault === 'kill')
		process.kill(process.pid, 'SIGKILL');
	if (message.fault === 'flood')
		process.stderr.write('flood '.repeat(200000));
	if (message.fault === 'writer') /* has its streams when it is gone */
		spawn('sh', ['-c', 'sleep 0.02; echo late; echo late >&2'], { stdio: ['ignore', 'inherit', 'inherit'] }).unref();
	process.stdout.write(JSON.stringify(answerTo(message)));
});
