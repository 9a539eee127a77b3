/**
 * node:child_process with the blocking taken out: the same functions, the same types.
 * They are those of @types/node.
 */
export * from 'node:child_process';
export * from './pool.js';
import { createPool } from './pool.js';

/** How the daemon is found; before the first spawn, or after one that found none. */
export interface Configuration {
	/** The path of uringspawnd; default: URINGSPAWN_DAEMON, the package's own, PATH. */
	daemon?: string;
	/** The socket of a daemon that runs already; default: URINGSPAWN_SOCKET, else a private one. */
	socket?: string;
}

/** How many spawns went which way since the program began. */
export interface Stats {
	/** Started by the daemon, which carries the streams. */
	relayed: number;
	/** Started by the daemon, and talked to by the runtime: an IPC channel, descriptors. */
	adopted: number;
	/** Started by the runtime. */
	runtime: number;
}

export function configure(options: Configuration): void;

export function stats(): Stats;

/** Whether descriptors can be passed: the addon was built, and there is a daemon. */
export function passesDescriptors(): boolean;

declare const uringspawn: typeof import('node:child_process') & {
	configure: typeof configure;
	stats: typeof stats;
	passesDescriptors: typeof passesDescriptors;
	createPool: typeof createPool;
};
export default uringspawn;
