/*
 * The entry of `import ... from 'uringspawn/generic-pool'`.
 */
import common from './generic-pool.cjs';

export default common;
export const { createPool, Pool, TimeoutError } = common;
