'use strict';
/*
 * Errors in the shape that the runtime gives them.
 */
const { constants } = require('os');
const { getSystemErrorName } = require('util');

/**
 * An Error of a failed system call: code, errno (negative), syscall, and a message made of them.
 *
 * @param {string|number} code  'ENOENT', or an errno of either sign
 * @param {string} syscall  what failed: 'write', 'spawn FILE'
 */
function systemError(code, syscall) {
	const errno = typeof code === 'number' ? -Math.abs(code) : -constants.errno[code];
	const name = typeof code === 'number' ? nameOf(errno) : code;

	return Object.assign(new Error(`${syscall} ${name}`), { errno, code: name, syscall });
}

function nameOf(errno) {
	try {
		return getSystemErrorName(errno);
	} catch {
		return `Unknown system error ${errno}`;
	}
}

module.exports = { systemError };
