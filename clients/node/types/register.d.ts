/** Imported for its effect: node:child_process is uringspawn from here on. */
export {};
