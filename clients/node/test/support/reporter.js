'use strict';
/*
 * Flat TAP of node:test's events: a line for each test, and none for what groups them.
 */
module.exports = async function* reporter(source) {
	for await (const { type, data } of source) {
		if (type !== 'test:pass' && type !== 'test:fail' || (data.details && data.details.type === 'suite' && type === 'test:pass'))
			continue;
		const skip = data.skip === undefined || data.skip === false ? '' : ` # SKIP ${data.skip === true ? '' : data.skip}`;

		yield `${type === 'test:pass' ? 'ok' : 'not ok'} - ${data.name}${skip}\n`;
		if (type === 'test:fail') {
			const { error } = data.details;
			const text = String((error && error.cause && (error.cause.stack || error.cause)) || error);

			yield text.replace(/^/gm, '# ') + '\n';
		}
	}
};
