'use strict';
/*
 * Whether answers are right, byte for byte, beside a load.
 */
const http = require('http');

const COMPARE_MS = 100;
/* Comparing takes CPU time as well: of large answers there are fewer. */
const COMPARE_BYTES_PER_MS = 20000;
/* A server that is slow answers what a load left behind before it gets to this. */
const ANSWER_MS = 120000;

function get(url) {
	return new Promise((resolve, reject) => {
		/* On a connection of its own: one that is kept may be closed as it is used again. */
		const request = http.get(url, { agent: false, timeout: ANSWER_MS }, resolve);

		request.on('timeout', () => request.destroy(new Error(`no answer in ${ANSWER_MS / 1000} s`)));
		request.on('error', reject);
	});
}

/** Throws unless `url` answers with this status and body. */
async function compareBody(url, { status, body }) {
	const response = await get(url);
	let at = 0;

	for await (const chunk of response) {
		if (!chunk.equals(body.subarray(at, at + chunk.length)))
			throw new Error(`${url}: another body, near byte ${at}`);
		at += chunk.length;
	}
	if (at !== body.length)
		throw new Error(`${url}: ${at} bytes instead of ${body.length}`);
	if (response.statusCode !== status)
		throw new Error(`${url}: status ${response.statusCode} instead of ${status}`);
}

/**
 * Compares now and then until it is over; the first difference is the last comparison.
 * @returns {Promise<{compared: number, wrong: string|null}>}
 */
async function compareDuring(url, expected, over) {
	const pause = Math.max(COMPARE_MS, expected.body.length / COMPARE_BYTES_PER_MS);
	let compared = 0;

	while (!over()) {
		try {
			await compareBody(url, expected);
		} catch (error) {
			return { compared, wrong: error.message };
		}
		compared++;
		await new Promise((resolve) => setTimeout(resolve, pause));
	}
	return { compared, wrong: null };
}

/* What a header and the frames of a body add to an answer, at the most that is sensible. */
const HEADER_BYTES = 1024;
const FRAMED = 1.02;

/**
 * What is wrong with so many bytes of so many answers, or null.  The load counts headers and
 * chunks' frames, and begins answers that it does not see the end of.
 */
function wrongTotal({ requests, bytes }, { body }, connections) {
	const least = requests * body.length;
	const most = (requests + connections) * (body.length * FRAMED + HEADER_BYTES);

	if (bytes < least)
		return `${bytes} bytes in ${requests} answers, of ${least} that their bodies have`;
	if (bytes > most)
		return `${bytes} bytes in ${requests} answers, where ${Math.round(most)} would be many`;
	return null;
}

module.exports = { compareBody, compareDuring, wrongTotal };
