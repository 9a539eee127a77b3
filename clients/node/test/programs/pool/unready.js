'use strict';
/* Lives, and never listens to anybody. */
setInterval(() => {}, 1000);
