/*
 * The entry of `import ... from 'uringspawn/commands'`.
 */
import common from './commands.cjs';

export default common;
export const { createCommands, Commands, WORKER } = common;
