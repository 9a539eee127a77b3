/*
 * register as an import of the program.
 */
import '../../register.mjs';
import './preloaded.mjs';
