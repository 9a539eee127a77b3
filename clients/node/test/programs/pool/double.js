'use strict';
/*
 * A worker that answers with twice the number.
 */
process.on('message', (n) => process.send(2 * n));
