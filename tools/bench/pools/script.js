'use strict';
/*
 * What answers one HTTP request: a program as one writes it, that reads what it is asked from
 * stdin.  It says on stderr that it has started, where somebody waits for that.
 */
let asked = '';

/* What the first use of stdout costs is part of the start. */
process.stdout.on('error', () => {});
if (process.argv[2] === 'ready')
	process.stderr.write('.');
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => asked += text);
process.stdin.on('end', () => console.log(`answer to ${asked}`));
