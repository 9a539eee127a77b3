/*
 * node --import uringspawn/register: in the place of node:child_process.
 */
import './register.cjs';
