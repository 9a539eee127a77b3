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

/* One that is named has to be there; --no-addons and the permission model are no fault of it. */
function loadNamed(name) {
	try {
		return require(name);
	} catch (error) {
		if (error.code === 'ERR_DLOPEN_DISABLED')
			return null;
		throw error;
	}
}

function load() {
	const named = process.env.URINGSPAWN_ADDON;

	if (named === '0')
		return null;
	if (process.versions.bun || globalThis.Deno)
		return require('./ffi.js');
	if (named)
		return loadNamed(path.resolve(named));
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
