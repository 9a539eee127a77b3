'use strict';
/*
 * The environment of the children.  It is most of a request's bytes, and to enumerate
 * process.env costs 42 µs at 71 variables; so it is sent once, as a template of the
 * connection, and a pass-through proxy in the place of process.env counts the writes.
 */
const wire = require('./wire.js');

let version = 0;
let watched = null; /* the proxy */
let pairsOfVersion = -1;
let pairs = null;

const counting = {
	set(target, name, value) {
		version++;
		return Reflect.set(target, name, value);
	},
	deleteProperty(target, name) {
		version++;
		return Reflect.deleteProperty(target, name);
	},
	defineProperty(target, name, descriptor) {
		version++;
		return Reflect.defineProperty(target, name, descriptor);
	},
	setPrototypeOf(target, prototype) {
		version++;
		return Reflect.setPrototypeOf(target, prototype);
	},
};

/* Threads that share an environment write to it unseen; other runtimes' process.env is no plain object. */
function canWatch() {
	if (process.versions.bun || globalThis.Deno || process.env.URINGSPAWN_WATCH_ENV === '0')
		return false;
	return require('worker_threads').isMainThread;
}

/**
 * Put the proxy in the place of process.env. Without it, or when the program puts something else there, process.env is
 * enumerated for each spawn. Threads are not watched: theirs may be one that they share.
 */
function watch() {
	if (watched !== null || !canWatch())
		return;
	watched = new Proxy(process.env, counting);
	process.env = watched;
}

function enumerate() {
	const { env } = process;
	const list = [];

	for (const name of Object.keys(env)) {
		const value = env[name];

		if (value !== undefined)
			list.push(`${name}=${value}`);
	}
	return list;
}

/** process.env as NAME=VALUE strings: the same array as long as nothing was written to it. */
function ownPairs() {
	if (process.env !== watched)
		return enumerate();
	if (pairsOfVersion !== version) {
		pairs = enumerate();
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

module.exports = { watch, ownPairs, Templates };
