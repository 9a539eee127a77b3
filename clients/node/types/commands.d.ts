import { EventEmitter } from 'events';
import { Readable, Writable } from 'stream';
import { PoolStats, WorkerPool, WorkerPoolOptions } from './pool.js';

/** Of spawn(), as far as a worker of a pool can do it. */
export interface CommandOptions {
	cwd?: string | URL;
	/** Default: the environment of the pool's workers. */
	env?: Record<string, string | undefined>;
	argv0?: string;
	shell?: boolean | string;
	uid?: number;
	gid?: number;
	detached?: boolean;
	timeout?: number;
	killSignal?: NodeJS.Signals | number;
	stdio?: 'pipe' | 'ignore' | Array<'pipe' | 'ignore' | undefined>;
	signal?: AbortSignal;
	/** Which of those that wait for a worker is first: higher ones. Default: 0. */
	priority?: number;
}

/** A command, with the shape of a ChildProcess. */
export class Command extends EventEmitter {
	readonly stdin: Writable | null;
	readonly stdout: Readable | null;
	readonly stderr: Readable | null;
	readonly stdio: [Writable | null, Readable | null, Readable | null];
	/** From its 'spawn' on. */
	readonly pid: number | undefined;
	readonly connected: false;
	readonly killed: boolean;
	readonly exitCode: number | null;
	readonly signalCode: NodeJS.Signals | null;
	readonly spawnfile: string;
	readonly spawnargs: string[];
	kill(signal?: NodeJS.Signals | number): boolean;
	ref(): void;
	unref(): void;
}

export class Commands {
	/** @param pool of createPool({ script: WORKER, serialization: 'advanced' }) */
	constructor(pool: WorkerPool, options?: { drain?: number });
	spawn(file: string, args: readonly string[], options?: CommandOptions): Command;
	spawn(file: string, options?: CommandOptions): Command;
	/** The pool's numbers; droppedBytes: what came from commands after they were over. */
	stats(): Promise<PoolStats & { droppedBytes: number }>;
	drain(): Promise<void>;
	close(options?: { timeout?: number; end?: boolean }): Promise<void>;
}

/** @param options of createPool(), without a script; drain: ms that streams may stay open after an exit (1000) */
export function createCommands(options?: { drain?: number } & Omit<WorkerPoolOptions, 'script' | 'command' | 'serialization'>): Commands;

/** The worker's program. */
export const WORKER: string;
