'use strict';
/*
 * The environment of the children.  It is most of a request's bytes, so it is sent once, as a
 * template of the connection; and to enumerate process.env is most of a request's time, so
 * that is done when the addon has seen a change in the environment of the process.
 */
const { isProxy } = require('util').types;
const addon = require('./addon.js');
const wire = require('./wire.js');

const PROBE = 'URINGSPAWN_PROBE';

let original; /* process.env, as long as nothing else is in its place; null: it tells nothing */
let pairsOfVersion = -1;
let pairs = null;

/*
 * Whether writing to process.env changes the environment of the process: it is an object of
 * its own in threads, and where a program has put one there.
 */
function isOfProcess(env) {
	if (addon === null || addon.environmentVersion === undefined || isProxy(env) || env[PROBE] !== undefined)
		return false;
	const before = addon.environmentVersion();

	env[PROBE] = '1';
	const after = addon.environmentVersion();
	delete env[PROBE];
	return before !== after;
}

/** Whether ownPairs() says what process.env holds. */
function isKnown() {
	if (original === undefined)
		original = isOfProcess(process.env) ? process.env : null;
	return original !== null && process.env === original;
}

function enumerate(env) {
	const list = [];

	for (const name of Object.keys(env)) {
		const value = env[name];

		if (value !== undefined)
			list.push(`${name}=${value}`);
	}
	return list;
}

/** process.env as NAME=VALUE strings: the same array as long as nothing was written to it. See isKnown(). */
function ownPairs() {
	const version = addon.environmentVersion();

	if (pairsOfVersion !== version) {
		pairs = enumerate(original);
		pairsOfVersion = version;
	}
	return pairs;
}

/**
 * The templates of one connection: each an environment, with what all requests of this client have in common.  The least
 * recently used one makes room.
 */
class Templates {
	/** @param {object} common  what every template says beside its environment; see wire.writeRequest() */
	constructor(connection, common) {
		this.connection = connection;
		this.common = common;
		this.ids = new Map(); /* from the pairs, joined, to the id; least recently used first */
		this.lastPairs = null;
		this.lastId = 0;
	}

	/** The id of the template with this environment, which is sent if the daemon does not have it. */
	idOf(list) {
		if (list === this.lastPairs)
			return this.lastId;
		const key = list.join('\0');
		let id = this.ids.get(key);
		if (id === undefined)
			id = this.add(key, list);
		else
			this.ids.delete(key);
		this.ids.set(key, id);
		this.lastPairs = list;
		this.lastId = id;
		return id;
	}

	add(key, list) {
		let id = this.ids.size + 1;

		if (this.ids.size >= wire.TEMPLATES_MAX / 2) {
			const [oldest, itsId] = this.ids.entries().next().value;

			this.ids.delete(oldest);
			id = itsId;
		}
		this.connection.template(id, { __proto__: null, ...this.common, env: list });
		return id;
	}
}

module.exports = { isKnown, ownPairs, Templates };
