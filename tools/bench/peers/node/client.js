'use strict';
/*
 * server.js, with the one line that names the client.
 */
const { spawn } = require('../../../../clients/node');
const { answer } = require('./lib/answer.js');
const { serve } = require('./lib/serve.js');
require('./lib/ballast.js');

serve((response, [program, args]) => answer(response, spawn(program, args)));
