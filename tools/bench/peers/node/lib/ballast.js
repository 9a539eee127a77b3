'use strict';
/*
 * The memory that a real server would have: BENCH_BALLAST_MB of it, each page written to.
 */
module.exports.ballast = Buffer.alloc(Number(process.env.BENCH_BALLAST_MB || 0) * 2 ** 20, 1);
