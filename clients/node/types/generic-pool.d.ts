import { EventEmitter } from 'events';

/** What makes, ends and looks at the resources of a pool; as generic-pool has it. */
export interface Factory<T> {
	create(): Promise<T> | T;
	destroy(resource: T): Promise<unknown> | unknown;
	validate?(resource: T): Promise<boolean> | boolean;
}

export interface Options {
	/** So many at most. Default: 1. */
	max?: number;
	/** So many at least. Default: 0. */
	min?: number;
	/** So many acquire() may wait. Default: no limit. */
	maxWaitingClients?: number;
	/** validate() before each loan. */
	testOnBorrow?: boolean;
	/** validate() after each loan. */
	testOnReturn?: boolean;
	/** Until acquire() fails with a TimeoutError. Default: no limit. */
	acquireTimeoutMillis?: number;
	/** Until a destroy() is a `factoryDestroyError`. Default: no limit. */
	destroyTimeoutMillis?: number;
	/** The longest idle first, or the one used last. Default: true. */
	fifo?: boolean;
	/** Priorities are from 0, the first, to this, exclusive. Default: 1. */
	priorityRange?: number;
	/** Begin with the constructor; otherwise by start() or the first acquire(). Default: true. */
	autostart?: boolean;
	/** Default: 0: nothing is evicted. */
	evictionRunIntervalMillis?: number;
	/** Default: 3. */
	numTestsPerEvictionRun?: number;
	/** What is idle so long is destroyed as long as more than `min` are idle. Default: -1: never. */
	softIdleTimeoutMillis?: number;
	/** What is idle so long is destroyed. Default: 30000. */
	idleTimeoutMillis?: number;
	Promise?: PromiseConstructorLike;
}

export class TimeoutError extends Error {}

export class Pool<T> extends EventEmitter {
	constructor(factory: Factory<T>, options?: Options);
	readonly max: number;
	readonly min: number;
	/** All that are there or being made. */
	readonly size: number;
	/** Idle ones. */
	readonly available: number;
	readonly borrowed: number;
	/** acquire() that wait. */
	readonly pending: number;
	/** How many more could be made. */
	readonly spareResourceCapacity: number;
	start(): void;
	/** Resolves when `min` are there. */
	ready(): Promise<void>;
	acquire(priority?: number): Promise<T>;
	release(resource: T): Promise<void>;
	destroy(resource: T): Promise<void>;
	/** Released when what `fn` returns resolves, destroyed when it rejects. */
	use<U>(fn: (resource: T) => Promise<U> | U, priority?: number): Promise<U>;
	isBorrowedResource(resource: T): boolean;
	drain(): Promise<void>;
	clear(): Promise<void>;
	on(event: 'factoryCreateError' | 'factoryDestroyError', listener: (error: any) => void): this;
	on(event: string | symbol, listener: (...args: any[]) => void): this;
}

export function createPool<T>(factory: Factory<T>, options?: Options): Pool<T>;
