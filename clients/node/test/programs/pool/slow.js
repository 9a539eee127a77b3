'use strict';
/*
 * An echo that needs SLOW_MS to be ready.
 */
setTimeout(() => process.on('message', (message) => process.send(message)), Number(process.env.SLOW_MS));
