'use strict';
/*
 * The runtime's tracing channel of spawns, where it has one: its own spawn() tells it what it
 * starts, and so do we.
 */
const diagnostics = require('diagnostics_channel');

const channel = diagnostics.tracingChannel ? diagnostics.tracingChannel('child_process.spawn') : null;
let speaks = false;

/** Find out whether the runtime tells it anything, by `call`, in which it would. */
function learn(call) {
	const listen = () => {
		speaks = true;
	};

	if (channel === null)
		return call();
	channel.start.subscribe(listen);
	try {
		return call();
	} finally {
		channel.start.unsubscribe(listen);
	}
}

function tell(name, message) {
	if (speaks && channel[name].hasSubscribers)
		channel[name].publish(message);
}

module.exports = {
	learn,
	/** A child is asked for. */
	start: (child, options) => tell('start', { process: child, options }),
	/** It has started. */
	end: (child) => tell('end', { process: child }),
	/** It has not. */
	error: (child, error) => tell('error', { process: child, error }),
};
