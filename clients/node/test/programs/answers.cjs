'use strict';
/*
 * Answers one message of its parent, and ends when the channel does.
 */
process.on('message', (message) => process.send(`${message}, and an answer`));
