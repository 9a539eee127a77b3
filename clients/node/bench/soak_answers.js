'use strict';
/*
 * What is the answer to a message of soak_pools.js: nobody else's has one of its parts.
 */
function answerTo({ n, key, bytes }) {
	return { n, key, text: `${key}.`.repeat(Math.ceil(bytes / (key.length + 1))) };
}

/** Whether it is that to this message. */
function isAnswerTo(message, answer) {
	const right = answerTo(message);

	return answer !== null && typeof answer === 'object' && answer.n === right.n && answer.key === right.key &&
		answer.text === right.text && answer.late === undefined;
}

module.exports = { answerTo, isAnswerTo };
