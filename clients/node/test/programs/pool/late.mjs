/*
 * A worker that is a module, and listens late: its messages wait until then.
 */
await new Promise((resolve) => setTimeout(resolve, 30));
process.send('before it listens');
process.on('message', (message) => process.send({ late: message }));
