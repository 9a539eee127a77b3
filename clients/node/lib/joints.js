'use strict';
/*
 * A stream of one child as stdio of another.  The runtime would hand over its descriptor,
 * which the daemon has; so what comes out of the one is written to the other, and their ends
 * are as if it had been handed over: one that is written to ends when all who write have.
 */

/** Have what `output` says be what a child's `stdin` is told; see Slot.join(). */
function join(output, stdin) {
	const { slot } = stdin;

	slot.join();
	output.on('data', (chunk) => {
		output.pause();
		slot.join(); /* the output may be over before its last bytes are taken */
		slot.write(chunk, (error) => {
			slot.leave();
			return error ? output.destroy() : output.resume();
		}, true);
	});
	output.on('close', () => slot.leave());
	output.on('error', () => {});
}

/** Pump `source`, the output of another child, into `stdin`. Who does not read all of it need not. */
function feed(source, stdin) {
	source.pipe(stdin);
	stdin.on('error', () => {});
}

module.exports = { join, feed };
