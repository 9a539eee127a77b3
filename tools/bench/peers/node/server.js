'use strict';
/*
 * A process per request, by node:child_process.  Run as it is, or with the client's register.
 */
const { spawn } = require('child_process');
const { answer } = require('./lib/answer.js');
const { serve } = require('./lib/serve.js');
require('./lib/ballast.js');

serve((response, [program, args]) => answer(response, spawn(program, args)));
