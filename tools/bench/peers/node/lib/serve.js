'use strict';
/*
 * The HTTP of all servers here: a program for each path, 404 for others.
 */
const http = require('http');
const { programs } = require('./programs.js');

/**
 * @param {function} run  (response, [program, args]): sees to it that the response ends
 * @param {function} [ready]  is told the port; by default it is printed
 */
function serve(run, ready = console.log) {
	const server = http.createServer((request, response) => {
		const program = programs.get(request.url);

		if (program)
			run(response, program);
		else
			response.writeHead(404).end('not found\n');
	});

	server.listen(0, '127.0.0.1', () => ready(server.address().port));
}

module.exports = { serve };
