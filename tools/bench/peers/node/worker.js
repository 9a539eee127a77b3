'use strict';
/*
 * A worker of pool.js and generic_pool.js: starts programs, sends what they write.
 *
 *   worker.js json|advanced       as the serialization that it was forked with
 */
const { codecs } = require('./lib/forked.js');
const { runJobs } = require('./lib/jobs.js');

process.on('disconnect', () => process.exit());
runJobs(process, (message) => process.connected && process.send(message),
	codecs[process.argv[2]].encode);
