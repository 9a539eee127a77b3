'use strict';
/*
 * uringspawn: node:child_process with the blocking taken out.
 */
module.exports = require('./lib/main.js');
