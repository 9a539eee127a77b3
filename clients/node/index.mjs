/*
 * The same for ES modules.
 */
import uringspawn from './index.cjs';

export const {
	ChildProcess, exec, execFile, execFileSync, execSync, fork, spawn, spawnSync, configure, stats,
	passesDescriptors, createPool,
} = uringspawn;
export default uringspawn;
