'use strict';
/*
 * node:cluster: as many whole servers as there are CPUs, behind one port.
 */
const { spawn } = require('child_process');
const cluster = require('cluster');
const { availableParallelism } = require('os');
const { answer } = require('./lib/answer.js');
const { serve } = require('./lib/serve.js');

function primary() {
	let missing = availableParallelism();

	cluster.on('listening', (worker, { port }) => {
		if (--missing === 0)
			console.log(port);
	});
	cluster.on('exit', (worker, code, signal) => {
		if (missing > 0)
			throw new Error(`a worker ended with ${code ?? signal} before it listened`);
		cluster.fork();
	});
	for (let i = missing; i > 0; i--)
		cluster.fork();
}

function worker() {
	require('./lib/ballast.js');
	serve((response, [program, args]) => answer(response, spawn(program, args)), () => {});
}

if (cluster.isPrimary)
	primary();
else
	worker();
