'use strict';
/*
 * One round of one server under load: what it answered, and what that cost whom.
 */
const { load, total } = require('./loader.js');
const { compareDuring, wrongTotal } = require('./bodies.js');
const { again, mainThread, memory, pairs, stat } = require('./procfs.js');
const { belongings, lastWords } = require('./servers.js');

const MEGABYTE = 1e6;

/* What the processes of a server, as they are before a load, have used until now. */
function look(server, { own, sidecar }) {
	return { own, sidecar, main: mainThread(server.pid), load: stat('self').children };
}

function lookBefore(server) {
	const { server: own, sidecar } = belongings(server);

	return lookAfter(server, { own, sidecar });
}

function lookAfter(server, { own, sidecar }) {
	return look(server, { own: again(own), sidecar: again(sidecar) });
}

function used(list, kind) {
	return list.reduce((sum, [before, after]) => sum + after[kind] - before[kind], 0);
}

/* CPU seconds per 1,000 requests, by whom. */
function cpuBetween(before, after, requests) {
	const own = pairs(before.own, after.own);
	const sidecar = pairs(before.sidecar, after.sidecar);
	const per = (seconds) => requests === 0 ? null : seconds * 1000 / requests;

	return {
		cpu_server: per(used(own, 'own')),
		cpu_main: per(after.main - before.main),
		cpu_sidecar: per(used(sidecar, 'own')),
		cpu_children: per(used(own.concat(sidecar), 'children')),
		cpu_load: per(after.load - before.load),
	};
}

function memoryOf(before, after) {
	const sum = (list) => list.reduce((bytes, [{ pid }]) => bytes + memory(pid), 0) / MEGABYTE;

	return {
		memory_server_mb: sum(pairs(before.own, after.own)),
		memory_sidecar_mb: sum(pairs(before.sidecar, after.sidecar)),
	};
}

/* Workers that died, or that were made anew. */
function changed(before, after) {
	const lost = before.own.length - pairs(before.own, after.own).length;

	return lost === 0 ? [] : [`${lost} of its ${before.own.length} processes ended`];
}

/* Status 500 is what a failing command is answered with. */
function realErrors(seen, status) {
	const { errors, requests } = seen;
	const wrong = status > 399 ? requests - errors.status : errors.status;

	return { ...errors, status: Math.max(0, wrong) };
}

/**
 * @param {object} work  of works.js
 * @returns {Promise<object>} numbers (see README.md), and failed: null, or why it does not count
 */
async function measure(server, work, { connections, seconds }) {
	const url = server.url + work.where;
	const before = lookBefore(server);
	let over = false;
	const comparing = compareDuring(url, work, () => over);
	let seen;

	try {
		seen = await load({ url, connections, seconds });
	} catch (error) {
		return { failed: error.message };
	} finally {
		over = true;
	}
	const after = lookAfter(server, before);
	const { compared, wrong } = await comparing;
	const answers = seen.requests === 0 ? 0 : seen.requests + compared;

	if (server.died !== null)
		return { failed: server.died + lastWords(server) };
	const errors = realErrors(seen, work.status);

	return {
		failed: wrong || wrongTotal(seen, work, connections),
		requests: seen.requests,
		rate: seen.requests / seen.seconds,
		p50_ms: seen.p50_ms, p99_ms: seen.p99_ms, p999_ms: seen.p999_ms,
		errors: total(errors), errors_by_kind: errors, compared, bytes: seen.bytes,
		...cpuBetween(before, after, answers),
		...memoryOf(before, after),
		notes: [...changed(before, after), ...answers === 0 ? [`no answer in ${seconds} s`] : []],
	};
}

module.exports = { measure, cpuBetween, realErrors };
