'use strict';
/*
 * What the workers of a pool do.  A task goes to a worker as {work, size, buffer}, and comes back
 * as {result, buffer}; `check` is the side that asked.
 */
const { createHash } = require('crypto');

const MARKS = 64; /* bytes of a buffer that are looked at */

/* So that no compiler finds out that nobody needs it. */
function cpu(size) {
	let sum = 0;

	for (let i = 0; i < size; i++)
		sum += Math.sqrt(i) * Math.sin(i);
	return sum;
}

/* Each is of the one before, so that all of them are made. */
function crypto(size) {
	let digest = Buffer.alloc(64);

	for (let i = 0; i < size; i++)
		digest = createHash('sha512').update(digest).digest();
	return digest.toString('hex');
}

const step = (size) => Math.max(1, Math.floor(size / MARKS));

/** Marks a buffer so that it can be told which one it is, and whether it is whole. */
function mark(buffer, number) {
	for (let i = 0; i < buffer.length; i += step(buffer.length))
		buffer[i] = (number + i) & 255;
	buffer[buffer.length - 1] = number & 255;
}

/** What is wrong with a buffer that was marked so, or null. */
function wrong(buffer, size, number) {
	if (!buffer || buffer.length !== size)
		return `${buffer ? buffer.length : 'no'} bytes of ${size} came back`;
	for (let i = 0; i < size - 1; i += step(size))
		if (buffer[i] !== ((number + i) & 255))
			return `byte ${i} is ${buffer[i]} and not ${(number + i) & 255}`;
	return buffer[size - 1] === (number & 255) ? null : 'the last byte is another';
}

/* The worker checks what came, and sends it back with the marks of the number after. */
function transferable(size, buffer, number) {
	const problem = wrong(buffer, size, number);

	if (problem !== null)
		throw new Error(problem);
	mark(buffer, number + 1);
	return size;
}

/** Of each: how large a task is, and a title with it. */
const WORKS = {
	cpu: { size: 5000000, run: cpu, title: (size) => `${size.toLocaleString('en-US')} times sqrt · sin` },
	crypto: { size: 1000000, run: crypto, title: (size) => `${size.toLocaleString('en-US')} times sha512` },
	transferable: { size: 100000000, run: transferable, buffer: true,
		title: (size) => `a buffer of ${size / 1e6} MB there and back` },
};

/** Does a task; a worker's side. */
function perform({ work, size, buffer, number }) {
	return WORKS[work].run(size, buffer, number);
}

module.exports = { WORKS, perform, mark, wrong };
