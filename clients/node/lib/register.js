'use strict';
/*
 * Puts this package's functions in the place of node:child_process's, for CommonJS and ES
 * modules.
 */
const module_ = require('module');
const runtime = require('child_process');
const main = require('./main.js');
const { register } = require('./spawn.js');

for (const name of ['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync'])
	runtime[name] = main[name];
register();
if (module_.syncBuiltinESMExports)
	module_.syncBuiltinESMExports();
