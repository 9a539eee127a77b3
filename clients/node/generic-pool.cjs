'use strict';
/*
 * The entry of `require('uringspawn/generic-pool')`.
 */
module.exports = require('./lib/generic_pool/pool.js');
