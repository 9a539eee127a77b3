import { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';

/** All times are in milliseconds. */
export interface PoolOptions {
	/** The program of the workers, for the runtime at `execPath`. Or `command`, or the `name` of a pool that is there. */
	script?: string;
	/** A program by itself; without `execPath`, `execArgv`, `preload`. */
	command?: string;
	args?: readonly string[];
	/** node or bun. Default: `process.execPath`. */
	execPath?: string;
	execArgv?: readonly string[];
	/** Default: `process.env`, when the pool is made. */
	env?: Record<string, string | undefined>;
	cwd?: string | URL;
	/** By it, clients of the same user share the pool. Default: it is this one's own. */
	name?: string;
	/** With a name: it stays when nobody has it open. */
	keep?: boolean;
	/** So many processes at least. Default: 0. */
	min?: number;
	/** So many at most. Default: as many as there are processors. */
	max?: number;
	/** So many idle ones ahead of need; 0: none. Default: 1. */
	spare?: number;
	/** One beyond `min` and `spare` is let go after this. Default: 30,000. */
	idleTimeout?: number;
	/** One that is older is replaced when it is idle. Default: never. */
	maxAge?: number;
	/** One that has more memory, in bytes, is replaced when it is idle. Default: no limit. */
	maxRss?: number;
	/**
	 * By the first byte of which stream a process says that it is ready: a number, a name, true: the channel; false:
	 * it is when it runs. Default: the channel of a worker with `preload`, otherwise false.
	 */
	ready?: boolean | number | 'stdout' | 'stderr';
	/** Default: 30,000. */
	readyTimeout?: number;
	/** Who has waited so long for a process fails. Default: no limit. */
	acquireTimeout?: number;
	/** So many requests may wait. Default: no limit of this client's. */
	queueLimit?: number;
	/** Which idle process is next. Default: of a worker pool the one used last, of a standby pool the one that has been idle longest. */
	order?: 'fifo' | 'lifo';
	/** The socket of a daemon that runs already. */
	socket?: string;
	/** The path of uringspawnd. */
	daemon?: string;
}

export interface WorkerPoolOptions extends PoolOptions {
	kind?: 'worker';
	serialization?: 'json' | 'advanced';
	/** So many messages at a time for each worker, where it is not 1 by itself: with a name, with `reset`, without `preload`. */
	concurrency?: number;
	/** Which worker is sent a message. Default: 'least-busy'. */
	strategy?: 'least-busy' | 'round-robin' | 'random';
	/** A worker is replaced after so many messages. Default: no limit. */
	maxUses?: number;
	/** Between two uses: a message and the answer that it has to give, or another worker. */
	reset?: 'replace' | { message: unknown; answer: unknown; timeout?: number };
	/** Is it well? Before each use, or while it is idle. */
	ping?: { message: unknown; answer: unknown; timeout?: number; onUse?: boolean; interval?: number };
	/** The `timeout` of requests that have none. Default: no limit. */
	runTimeout?: number;
	/** Whether the program has `process.send()` of ours, which says what each answer belongs to. Default: with a `script`. */
	preload?: boolean;
	/** What workers write to stdout and stderr. Default: 'inherit', with a name 'ignore'. */
	output?: 'inherit' | 'event' | 'ignore';
}

export interface StandbyPoolOptions extends PoolOptions {
	kind: 'standby';
	/** Default: 'pipe'. */
	stdio?: 'pipe' | 'ignore' | Array<'pipe' | 'ignore' | null | undefined>;
}

export interface RunOptions {
	/** From when a worker has the message; one that takes longer is killed. Default: `runTimeout`. */
	timeout?: number;
	signal?: AbortSignal;
	/** Higher ones are first. Default: 0. */
	priority?: number;
}

/** Why a request failed: `code` is ERR_POOL_BUSY, _CLOSED, _TIMEOUT, _ACQUIRE_TIMEOUT, _WORKER_EXITED, _RELEASED, _NOT_READY, _NOT_STARTED, _BAD_MESSAGE, _LOST, … */
export interface PoolError extends Error {
	code: string;
	pid?: number;
	exitCode?: number | null;
	signalCode?: NodeJS.Signals | null;
	/** Milliseconds. */
	retryMs?: number;
	cause?: unknown;
}

/** A worker that somebody has for himself. */
export interface PoolWorker extends EventEmitter {
	readonly pid: number;
	/** It was not given back, and lives. */
	readonly connected: boolean;
	readonly exitCode: number | null;
	readonly signalCode: NodeJS.Signals | null;
	/** What answers it comes as 'message', what its handler throws as 'error'. Always true. */
	send(message: unknown): boolean;
	run<T = any>(message: unknown, options?: RunOptions): Promise<T>;
	release(): void;
	/** Give it back, not to be used again. */
	discard(): void;
}

export interface PoolStats {
	name: string;
	kind: 'worker' | 'standby';
	min: number;
	max: number;
	spare: number;
	members: number;
	starting: number;
	idle: number;
	busy: number;
	resetting: number;
	ending: number;
	waiting: number;
	uses: number;
	/** Of them: a process was started for it. */
	cold: number;
	refused: number;
	starts: number;
	/** By cause: crashed, idle, max-uses, … */
	exits: Record<string, number>;
	dropped_bytes: number;
	wait_seconds: { buckets: Array<[number | null, number]>; sum: number };
	processes: Array<{ pid: number; state: string; uses: number; age_seconds: number; cpu_seconds: number | null; memory_bytes: number | null }>;
	/** What this client did. */
	local: { requests: number; answers: number; failures: number; late: number; droppedBytes: number;
		waiting: number; leased: number; underWay: number };
	cpuSeconds: { parent: number; workers: number };
	memoryBytes: { combined: number; average: number; peak: number };
}

interface AnyPool extends EventEmitter {
	readonly name: string | undefined;
	/** Resolves when nothing is asked for, and nobody has a process. */
	drain(): Promise<void>;
	resize(size: { min?: number; max?: number; spare?: number }): Promise<void>;
	/** `timeout`: what is under way may take so long (5,000; what stands by: as long as it takes). `end`: of a pool with a name: for all who share it. */
	close(options?: { timeout?: number; end?: boolean }): Promise<void>;
	stats(): Promise<PoolStats>;
	on(event: 'error', listener: (error: PoolError) => void): this;
	on(event: 'worker', listener: (worker: { pid: number }) => void): this;
	on(event: 'exit', listener: (exit: { pid: number; cause: string; exitCode: number | null; signalCode: NodeJS.Signals | null }) => void): this;
	on(event: 'output', listener: (bytes: Buffer, from: { pid: number; stream: number }) => void): this;
	on(event: 'drain', listener: () => void): this;
	on(event: string | symbol, listener: (...args: any[]) => void): this;
}

export interface WorkerPool extends AnyPool {
	readonly kind: 'worker';
	/** Have a worker answer a message. */
	run<T = any>(message: unknown, options?: RunOptions): Promise<T>;
	/** Take a worker, until release(). */
	acquire(options?: RunOptions): Promise<PoolWorker>;
	release(worker: PoolWorker): void;
	/** Take a worker for as long as what `call` returns is pending. */
	use<T>(call: (worker: PoolWorker) => Promise<T> | T, options?: RunOptions): Promise<T>;
}

export interface StandbyPool extends AnyPool {
	readonly kind: 'standby';
	/**
	 * A process that has started before. Its `pid` is undefined until 'spawn'; a kill() before that ends the wait for it, and
	 * 'exit' has the signal.
	 */
	spawn(options?: { timeout?: number; killSignal?: NodeJS.Signals | number; signal?: AbortSignal; priority?: number }): ChildProcess;
}

/** Warm processes, which the daemon keeps. */
export function createPool(options: StandbyPoolOptions): StandbyPool;
export function createPool(options: WorkerPoolOptions): WorkerPool;
