/*
 * register, and at the end a line on stderr that says which way the spawns went.
 */
import '../../register.mjs';
import { stats } from '../../index.mjs';

process.on('exit', () => console.error('COUNTS', JSON.stringify(stats())));
