'use strict';
/*
 * A measurement that cannot be had here: a table that says why, so that nobody looks for it.
 */

/** What such a measurement resolves to. */
function notMeasured(title, reason) {
	return { found: {}, tables: [{ title, note: `Not measured: ${reason}.`, columns: ['–'], rows: [] }] };
}

module.exports = { notMeasured };
