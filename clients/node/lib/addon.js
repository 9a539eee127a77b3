'use strict';
/*
 * The addon, where it was built and can be used: null otherwise.  It watches sockets by
 * libuv, which Node alone has; Bun and Deno do the same without it, by ffi.js.
 *
 * URINGSPAWN_ADDON names another file, for Node; '0' means none, nor ffi.js.
 */
const path = require('path');

const own = [
	path.join(__dirname, '..', 'bin', 'uringspawn.node'),
	path.join(__dirname, '..', '..', '..', 'build', 'release', 'uringspawn.node'),
];

function load() {
	const named = process.env.URINGSPAWN_ADDON;

	if (named === '0')
		return null;
	if (process.versions.bun || globalThis.Deno)
		return require('./ffi.js');
	if (named)
		return require(path.resolve(named));
	for (const name of own) {
		try {
			return require(name);
		} catch {
			/* not built, or for another machine: nothing depends on it */
		}
	}
	return null;
}

module.exports = load();
