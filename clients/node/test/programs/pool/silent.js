'use strict';
/*
 * A program that listens to nothing: it is never ready, and nothing keeps it.
 */
process.exitCode = typeof process.send === 'function' && process.connected ? 7 : 1;
