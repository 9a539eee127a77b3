'use strict';
/*
 * The options of generic-pool's createPool(), as they are documented, with their defaults.
 */
const DEFAULTS = {
	max: 1,
	min: 0,
	maxWaitingClients: Infinity,
	testOnBorrow: false,
	testOnReturn: false,
	acquireTimeoutMillis: 0, /* none */
	destroyTimeoutMillis: 0,
	fifo: true,
	priorityRange: 1,
	autostart: true,
	evictionRunIntervalMillis: 0, /* never */
	numTestsPerEvictionRun: 3,
	softIdleTimeoutMillis: -1,
	idleTimeoutMillis: 30000,
	Promise,
};

function integer(options, name, least) {
	const value = options[name];

	if (value !== Infinity && !(Number.isInteger(value) && value >= least))
		throw new TypeError(`options.${name}: ${String(value)} is not a whole number from ${least} on`);
}

/** All options with a value; throws a TypeError that names the one that is wrong. */
function readOptions(given) {
	const options = { ...DEFAULTS };

	for (const name of Object.keys(DEFAULTS))
		if (given && given[name] !== undefined && given[name] !== null)
			options[name] = given[name];
	for (const name of ['max', 'min', 'priorityRange', 'numTestsPerEvictionRun', 'maxWaitingClients', 'acquireTimeoutMillis',
		'destroyTimeoutMillis', 'evictionRunIntervalMillis', 'softIdleTimeoutMillis', 'idleTimeoutMillis']) {
		if (typeof options[name] === 'string' && options[name].trim() !== '')
			options[name] = Number(options[name]); /* from an environment */
		integer(options, name, ['softIdleTimeoutMillis', 'idleTimeoutMillis'].includes(name) ? -1 : Number(name === 'max' || name === 'priorityRange'));
	}
	options.min = Math.min(options.min, options.max);
	return options;
}

/** Throws a TypeError when `factory` is none. */
function checkFactory(factory, { testOnBorrow, testOnReturn }) {
	if (factory === null || typeof factory !== 'object' && typeof factory !== 'function')
		throw new TypeError('factory must be an object');
	for (const name of ['create', 'destroy'])
		if (typeof factory[name] !== 'function')
			throw new TypeError(`factory.${name} must be a function`);
	if (factory.validate !== undefined && typeof factory.validate !== 'function')
		throw new TypeError('factory.validate must be a function');
	if ((testOnBorrow || testOnReturn) && typeof factory.validate !== 'function')
		throw new TypeError('factory.validate must be a function where testOnBorrow or testOnReturn is set');
}

module.exports = { readOptions, checkFactory };
