// A process per request in Deno, by the client: Deno.serve and the spawn() of uringspawn.
import { spawn } from '../../../../clients/node/index.mjs';
import { respond } from '../web/respond.js';

Deno.serve({
	hostname: '127.0.0.1',
	port: 0,
	onListen: ({ port }) => console.log(port),
}, (request) => respond(request, spawn));
