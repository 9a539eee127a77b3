import cp, { spawn, exec, ChildProcess, configure, stats, passesDescriptors } from 'uringspawn';
import 'uringspawn/register';

const child: ChildProcess = spawn('x', ['y'], { cwd: '/' });
child.stdout?.pipe(process.stdout);
exec('x', (error, stdout: string) => stdout);
configure({ daemon: '/x' });
export const relayed: number = stats().relayed;
export const passes: boolean = passesDescriptors();
cp.execSync('x').toString();
// @ts-expect-error: there is no such option
configure({ nonsense: 1 });

import * as generic from 'uringspawn/generic-pool';
import { createCommands, Command } from 'uringspawn/commands';

const pool = generic.createPool({ create: async () => 5, destroy: async () => {} }, { max: 2, fifo: false });
export const resource: Promise<number> = pool.acquire(1);
export const used: Promise<string> = pool.use((n) => String(n));
// @ts-expect-error: there is no such option
generic.createPool({ create: () => 5, destroy() {} }, { most: 1 });
export const command: Command = createCommands({ drain: 5 }).spawn('x', ['y'], { stdio: ['ignore', 'pipe', 'ignore'] });
command.stdout?.pipe(process.stdout);

import { createPool, WorkerPool, PoolWorker } from 'uringspawn';

const workers: WorkerPool = createPool({ script: 'x', reset: { message: 'a', answer: 'b' }, strategy: 'random' });
export const answer: Promise<number> = workers.run<number>({ n: 1 }, { timeout: 5, signal: new AbortController().signal });
workers.use(async (worker) => worker.run('x'));
workers.on('output', (bytes, { pid }) => bytes.length + pid);
export const late: Promise<number> = workers.stats().then(({ local }) => local.late);
createPool({ kind: 'standby', command: 'x', ready: 'stderr' }).spawn({ timeout: 5 }).stdout?.pipe(process.stdout);
cp.createPool({ script: 'x' }).close({ timeout: 5 });
export const lent: Promise<PoolWorker> = workers.acquire();
// @ts-expect-error: nobody makes one
new PoolWorker();
// @ts-expect-error: a worker pool has no streams for its user
createPool({ script: 'x' }).spawn();
// @ts-expect-error: there is no such option
createPool({ script: 'x', most: 5 });
