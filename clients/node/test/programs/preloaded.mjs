/*
 * Knows nothing of this package, but for the last line, which says which way its spawns went.
 */
import { spawn } from 'node:child_process';
import runtime, { exec } from 'child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const child = spawn('echo', ['named']);
let text = '';
child.stdout.on('data', (chunk) => text += chunk);
await once(child, 'close');
text += (await promisify(exec)('echo promised')).stdout;
text += await new Promise((resolve) => runtime.execFile('echo', ['called'], (error, stdout) => resolve(stdout)));
const { stats } = await import('../../index.mjs');
console.log(JSON.stringify([text, stats()]));
