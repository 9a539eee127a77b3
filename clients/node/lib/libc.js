'use strict';
/*
 * The C library's functions, where the runtime calls them without an addon: Bun, and Deno
 * where it was allowed (--allow-ffi).  Null elsewhere.
 *
 * Memory is given as a Buffer. Results are int; what failed is told by errno(), asked at
 * once.
 */
const NAMES = ['libc.so.6', 'libc.so'];
const SIGNATURES = {
	socket: ['int', 'int', 'int'],
	connect: ['int', 'memory', 'uint'],
	poll: ['memory', 'size', 'int'],
	recv: ['int', 'memory', 'size', 'int'],
	send: ['int', 'memory', 'size', 'int'],
	sendmsg: ['int', 'memory', 'int'],
	fcntl: ['int', 'int', 'int'],
	close: ['int'],
};

function signaturesIn(types, describe) {
	return Object.fromEntries(Object.entries(SIGNATURES).map(([name, parameters]) =>
		[name, describe(parameters.map((type) => types[type]))]));
}

function firstOf(open) {
	for (const name of NAMES) {
		try {
			return open(name);
		} catch {
			/* another C library */
		}
	}
	return null;
}

function loadByDeno({ Deno }) {
	/* To ask is to ask the user, on a terminal. */
	if (Deno.permissions.querySync({ name: 'ffi' }).state !== 'granted')
		return null;
	const functions = signaturesIn({ int: 'i32', uint: 'u32', size: 'usize', memory: 'buffer' },
		(parameters) => ({ parameters, result: 'i32' }));
	const library = firstOf((name) =>
		Deno.dlopen(name, { ...functions, __errno_location: { parameters: [], result: 'pointer' } }));

	if (library === null)
		return null;
	const { __errno_location: location, ...symbols } = library.symbols;
	const view = new Deno.UnsafePointerView(location());
	return {
		...symbols,
		errno: () => view.getInt32(),
		addressOf: (buffer) => BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer))),
	};
}

function loadByBun() {
	const { dlopen, read, ptr } = require('bun:ffi');
	const functions = signaturesIn({ int: 'i32', uint: 'u32', size: 'u64', memory: 'ptr' },
		(args) => ({ args, returns: 'i32' }));
	const library = firstOf((name) => dlopen(name, { ...functions, __errno_location: { args: [], returns: 'ptr' } }));

	if (library === null)
		return null;
	const { __errno_location: location, ...symbols } = library.symbols;
	const at = location();
	return {
		...symbols,
		errno: () => read.i32(at, 0),
		addressOf: (buffer) => BigInt(ptr(buffer)),
	};
}

function load() {
	try {
		return process.versions.bun ? loadByBun() : globalThis.Deno ? loadByDeno(globalThis) : null;
	} catch {
		return null;
	}
}

module.exports = load();
