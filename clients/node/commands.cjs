'use strict';
/*
 * The entry of `require('uringspawn/commands')`.
 */
module.exports = require('./lib/commands/commands.js');
