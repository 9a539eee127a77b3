'use strict';
/*
 * node --require uringspawn/register, or --import: in the place of node:child_process.
 */
require('./lib/register.js');
