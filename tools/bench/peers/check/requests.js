'use strict';
/*
 * Requests: whole ones, and those that are given up.
 */
const http = require('http');

const LIMIT_MS = 30000;

/**
 * Over a connection of its own, where no agent has one: one that was idle may be closed by the
 * server in the very moment of the next request.
 * @returns {Promise<{status, body, reused}>} reused: the connection had served another
 */
function get(port, path, agent = false) {
	return new Promise((resolve, reject) => {
		const request = http.get({ host: '127.0.0.1', port, path, agent }, (response) => {
			const chunks = [];

			response.on('data', (chunk) => chunks.push(chunk));
			response.on('error', reject);
			response.on('end', () => resolve({
				status: response.statusCode,
				body: Buffer.concat(chunks),
				reused: request.reusedSocket,
			}));
		});

		request.on('error', reject);
		request.setTimeout(LIMIT_MS, () =>
			request.destroy(new Error(`${path}: nothing in ${LIMIT_MS / 1000} s`)));
	});
}

/** Goes away after so many bytes; after 0 it has not even heard that there is an answer. */
function giveUp(port, path, bytes) {
	return new Promise((resolve, reject) => {
		let seen = 0;
		const request = http.get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
			response.on('error', () => {}); /* it is this side that breaks it */
			response.on('data', (chunk) => {
				seen += chunk.length;
				if (seen >= bytes)
					request.destroy();
			});
		});

		request.on('error', () => {});
		request.on('close', resolve);
		request.setTimeout(LIMIT_MS, () => {
			reject(new Error(`${path}: less than ${bytes} bytes in ${LIMIT_MS / 1000} s`));
			request.destroy();
		});
		if (bytes === 0) {
			request.on('socket', (socket) => socket.on('connect', () =>
				setImmediate(() => request.destroy()))); /* when it was sent */
		}
	});
}

/** @returns {Promise<IncomingMessage>} an answer that is read by whoever asks for it */
function open(port, path) {
	return new Promise((resolve, reject) => {
		const request = http.get({ host: '127.0.0.1', port, path, agent: false }, resolve);

		request.on('error', reject);
		request.setTimeout(LIMIT_MS, () =>
			request.destroy(new Error(`${path}: nothing in ${LIMIT_MS / 1000} s`)));
	});
}

module.exports = { get, giveUp, open };
