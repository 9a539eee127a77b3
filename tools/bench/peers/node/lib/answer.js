'use strict';
/*
 * From a child of this process to the answer of a request.
 */

/** Where nothing was written, what a failed program leaves is its code. */
function finish(response, code) {
	if (code !== 0 && !response.headersSent)
		response.writeHead(500).end(`exit ${code}\n`);
	else
		response.end();
}

/** The output of the child, as it comes; the child does not outlive who asked for it. */
function answer(response, child) {
	child.on('error', (error) => console.error(error.message));
	if (!child.stdout) /* not even descriptors for it */
		return finish(response, 'none');
	child.stdout.pipe(response, { end: false });
	child.stderr.resume();
	child.on('close', (code, signal) => finish(response, code ?? signal));
	response.on('close', () => child.kill());
}

module.exports = { answer, finish };
