// A process per request in Bun, by the client: Bun.serve and the spawn() of uringspawn.
import { spawn } from '../../../../clients/node/index.mjs';
import { respond } from '../web/respond.js';

const server = Bun.serve({
	hostname: '127.0.0.1',
	port: 0,
	fetch: (request) => respond(request, spawn),
});

console.log(server.port);
