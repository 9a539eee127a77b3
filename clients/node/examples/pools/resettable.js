'use strict';
/*
 * A pool whose workers have something behind them, which no user may find as another left it:
 * a shell.  Between two uses the worker is told to reset, kills its shell and starts another;
 * it is used again when it has said so, and replaced when it does not.
 */
const path = require('path');
const { createPool } = require('uringspawn');

async function main() {
	const pool = createPool({ script: path.join(__dirname, 'resettable-worker.js'), max: 1,
		reset: { message: 'reset', answer: 'clean', timeout: 10000 } });
	/* One user: all that he asks for is the same shell's. */
	const name = await pool.use(async (worker) => {
		await worker.run('name=first; cd /');
		return worker.run('echo $name in $PWD');
	});
	/* Another: a shell that nobody has used. */
	const other = await pool.run('echo ${name:-nobody}');

	console.log(`${name}\n${other}`);
	await pool.close();
}

main();
