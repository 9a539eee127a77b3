'use strict';
/*
 * Makes images smaller, in as many processes as there are processors: POST a PPM (P6) to
 * /?width=N.  The server itself only reads and writes.
 *
 *   node image-resize.js                      # PORT=8000
 *   curl --data-binary @photo.ppm 'localhost:8000/?width=320' >small.ppm
 */
const http = require('http');
const path = require('path');
const { createPool } = require('uringspawn');

const IMAGE_BYTES_MAX = 64 << 20;
const RESIZE_MS = 10000;
/* A worker that holds more than this when nobody uses it is replaced. */
const WORKER_BYTES_MAX = 512 << 20;

const pool = createPool({ script: path.join(__dirname, 'image-resize-worker.js'), serialization: 'advanced',
	runTimeout: RESIZE_MS, maxRss: WORKER_BYTES_MAX, queueLimit: 100 });

async function read(request) {
	const parts = [];
	let size = 0;

	for await (const part of request) {
		size += part.length;
		if (size > IMAGE_BYTES_MAX)
			throw Object.assign(new Error('the image is too large'), { status: 413 });
		parts.push(part);
	}
	return Buffer.concat(parts);
}

function statusOf({ status, name, code }) {
	return status || (name === 'RangeError' ? 400 : code === 'ERR_POOL_BUSY' ? 503 : 500);
}

async function answer(request, response) {
	const gone = new AbortController();

	response.on('close', () => gone.abort());
	try {
		const width = Number(new URL(request.url, 'http://localhost').searchParams.get('width'));
		const small = await pool.run({ width, image: await read(request) }, { signal: gone.signal });

		response.setHeader('content-type', 'image/x-portable-pixmap');
		response.end(small);
	} catch (error) {
		response.statusCode = statusOf(error);
		response.end(`${error.message}\n`);
	}
}

const server = http.createServer(answer);

server.listen(Number(process.env.PORT || 8000), '127.0.0.1', () =>
	console.log(`http://127.0.0.1:${server.address().port}/`));
process.on('SIGTERM', () => {
	server.close();
	pool.close();
});
