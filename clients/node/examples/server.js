'use strict';
/*
 * A process per request, by the runtime: run it as it is, or as
 *   node --import uringspawn/register server.js
 */
const { spawn } = require('child_process');
const http = require('http');

const server = http.createServer((request, response) => spawn('echo', ['hi']).stdout.pipe(response));
server.listen(Number(process.env.PORT || 8000), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
