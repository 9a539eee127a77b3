'use strict';
/*
 * A pool of forked workers that start the programs; their output comes back in messages.
 *
 *   pool.js json|advanced [random|round-robin|least-connections]
 */
const path = require('path');
const { codecs, startForked } = require('./lib/forked.js');
const { createPool } = require('./lib/pool.js');
const { serve } = require('./lib/serve.js');
require('./lib/ballast.js');

const [, , serialization, strategy] = process.argv;

if (!Object.hasOwn(codecs, serialization))
	throw new Error(`no serialization is called ${serialization}; there are json, advanced`);
const file = path.join(__dirname, 'worker.js');
const take = createPool(() => startForked(file, serialization), strategy);

serve((response, program) => take().jobs.start(response, program));
