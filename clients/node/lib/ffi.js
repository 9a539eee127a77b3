'use strict';
/*
 * What the addon does, for transport_addon.js, by calls of the C library: in Bun and Deno,
 * which do not have the libuv that the addon watches sockets by.  A net.Socket watches
 * here, and reads as well, so that what it has read comes before what receive() reads.
 * Null where the runtime calls no C.
 *
 * Both runtimes are for little-endian machines with 64 bits alone, which the structures
 * below are those of.
 */
const net = require('net');
const { constants: { errno } } = require('os');
const { setTimeout, clearTimeout } = require('timers');
const libc = require('./libc.js');
const { systemError } = require('./errors.js');

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const PATH_AT = 2; /* in struct sockaddr_un */
const PATH_BYTES_MAX = 107;

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const FDS_MAX = 253;

const POLLIN = 1;
const POLLOUT = 4;
const READABLE = 1;
const WRITABLE = 2;

const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const O_NONBLOCK = 0o4000;

const WRITE_AGAIN_MS = 1;

const pollfd = Buffer.alloc(8);
const header = Buffer.alloc(56); /* struct msghdr */
const part = Buffer.alloc(16); /* struct iovec */
const CONTROL_BYTES = 16; /* struct cmsghdr */
const control = Buffer.alloc(CONTROL_BYTES + 4 * FDS_MAX + 4);

/* Of a call that is repeated when a signal came: what it returned, or -errno. */
function called(call) {
	for (;;) {
		const ret = call();
		const number = ret < 0 ? libc.errno() : 0;

		if (ret >= 0)
			return ret;
		if (number !== errno.EINTR)
			return -number;
	}
}

function check(ret, syscall) {
	if (ret < 0)
		throw systemError(ret, syscall);
	return ret;
}

/* ---- descriptors ---------------------------------------------------------------------- */

function addressOfPath(path) {
	const name = Buffer.from(path);
	const isAbstract = path.startsWith('@');

	if (name.length === 0 || name.length > PATH_BYTES_MAX || path.includes('\0'))
		return null;
	const address = Buffer.alloc(PATH_AT + name.length + (isAbstract ? 0 : 1));
	address.writeUInt16LE(AF_UNIX, 0);
	name.copy(address, PATH_AT);
	if (isAbstract)
		address[PATH_AT] = 0;
	return address;
}

/** As the addon's: a connected descriptor that does not block, and is closed on exec. */
function connect(path) {
	const address = addressOfPath(path);
	const fd = address === null ? -1 :
		check(called(() => libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), 'socket');
	const ret = address === null ? -errno.EINVAL : called(() => libc.connect(fd, address, address.length));

	if (ret === 0)
		return fd;
	if (fd >= 0)
		libc.close(fd);
	const error = systemError(ret, 'connect');
	error.message += ` ${path}`;
	error.address = path;
	throw error;
}

function dup(fd) {
	return check(called(() => libc.fcntl(fd, F_DUPFD_CLOEXEC, 0)), 'dup');
}

function closeFd(fd) {
	const ret = libc.close(fd);

	if (ret < 0)
		throw systemError(libc.errno(), 'close');
}

function setBlocking(fd) {
	const flags = check(called(() => libc.fcntl(fd, F_GETFL, 0)), 'fcntl');

	if (flags & O_NONBLOCK)
		check(called(() => libc.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)), 'fcntl');
}

/* ---- one message ----------------------------------------------------------------------- */

function putDescriptors(fds) {
	const size = CONTROL_BYTES + 4 * fds.length;

	control.fill(0);
	control.writeBigUInt64LE(BigInt(size), 0);
	control.writeInt32LE(SOL_SOCKET, 8);
	control.writeInt32LE(SCM_RIGHTS, 12);
	fds.forEach((fd, i) => control.writeInt32LE(fd, CONTROL_BYTES + 4 * i));
	header.writeBigUInt64LE(libc.addressOf(control), 32);
	header.writeBigUInt64LE(BigInt(size + 7 & ~7), 40);
}

function sendWithDescriptors(fd, bytes, fds) {
	part.writeBigUInt64LE(libc.addressOf(bytes), 0);
	part.writeBigUInt64LE(BigInt(bytes.length), 8);
	header.writeBigUInt64LE(libc.addressOf(part), 16);
	header.writeBigUInt64LE(1n, 24);
	putDescriptors(fds);
	return called(() => libc.sendmsg(fd, header, MSG_NOSIGNAL | MSG_DONTWAIT));
}

/* ---- links ------------------------------------------------------------------------------- */

/* The one takes a descriptor in the constructor, the other in connect(). */
function socketOf(fd) {
	return process.versions.bun ? net.connect({ fd }) : new net.Socket({ fd });
}

class Link {
	constructor(fd, onRead, onWritable) {
		this.fd = fd;
		this.onRead = onRead;
		this.onWritable = onWritable;
		this.space = null;
		this.rest = null; /* was read by the event loop, and nobody was told */
		this.timer = null;
		this.refd = true;
		this.closed = false;
		this.over = false; /* its end was told */
		this.socket = socketOf(fd);
		this.socket.on('data', (bytes) => this.onData(bytes));
		this.socket.on('end', () => this.onOver(0));
		this.socket.on('error', (error) => this.onOver(-(errno[error.code] || errno.EIO)));
		this.socket.on('close', () => this.onOver(0));
	}

	onData(bytes) {
		this.rest = this.rest === null ? bytes : Buffer.concat([this.rest, bytes]);
		while (this.rest !== null && !this.closed)
			this.tell(this.takeRest());
	}

	/* Whoever is told may call receive(), which takes of the rest as well. */
	takeRest() {
		const { rest, space } = this;
		const size = Math.min(rest.length, space.length);

		space.set(rest.subarray(0, size));
		this.rest = size === rest.length ? null : rest.subarray(size);
		return size;
	}

	tell(nread) {
		const space = this.onRead(nread);

		if (space !== undefined)
			this.space = space;
	}

	onOver(nread) {
		if (this.over || this.closed)
			return;
		this.over = true;
		this.tell(nread);
	}

	receive() {
		if (this.closed)
			return -errno.EBADF;
		if (this.rest !== null)
			return this.takeRest();
		return called(() => libc.recv(this.fd, this.space, this.space.length, MSG_DONTWAIT));
	}

	write(bytes, fds) {
		if (this.closed)
			return -errno.EBADF;
		if (fds !== undefined && fds.length > 0)
			return sendWithDescriptors(this.fd, bytes, fds);
		return called(() => libc.send(this.fd, bytes, bytes.length, MSG_NOSIGNAL | MSG_DONTWAIT));
	}

	wait(events, ms) {
		if (this.closed || this.rest !== null)
			return READABLE;
		pollfd.writeInt32LE(this.fd, 0);
		pollfd.writeInt16LE((events & READABLE ? POLLIN : 0) | (events & WRITABLE ? POLLOUT : 0), 4);
		pollfd.writeInt16LE(0, 6);
		if (libc.poll(pollfd, 1, ms) <= 0)
			return 0;
		const came = pollfd.readInt16LE(6);
		return (came & ~POLLOUT ? READABLE : 0) | (came & POLLOUT ? WRITABLE : 0);
	}

	/* What makes room is the daemon's reading, of which nobody tells: time does. */
	wantWritable(wanted) {
		if (this.timer !== null)
			clearTimeout(this.timer);
		this.timer = null;
		if (!wanted || this.closed)
			return;
		this.timer = setTimeout(() => {
			this.timer = null;
			this.wantWritable(true);
			if (this.wait(WRITABLE, 0) !== 0)
				this.onWritable();
		}, WRITE_AGAIN_MS);
		if (!this.refd)
			this.timer.unref();
	}

	setRef(refd) {
		this.refd = refd;
		if (this.closed)
			return;
		if (refd)
			this.socket.ref();
		else
			this.socket.unref();
		if (this.timer !== null)
			this.wantWritable(true);
	}

	close() {
		if (this.closed)
			return;
		this.wantWritable(false);
		this.closed = true;
		this.rest = null;
		this.socket.destroy();
	}
}

/* The names and arguments are those of the addon; see there. */
module.exports = libc === null ? null : {
	connect,
	dup,
	closeFd,
	setBlocking,
	umask: () => process.umask(),
	open: (fd, onRead, onWritable) => new Link(fd, onRead, onWritable),
	setSpace(link, space) {
		link.space = space;
	},
	receive: (link) => link.receive(),
	write: (link, bytes, offset, length, fds) => link.write(bytes.subarray(offset, offset + length), fds),
	wait: (link, events, ms) => link.wait(events, ms),
	wantWritable: (link, wanted) => link.wantWritable(wanted),
	ref: (link) => link.setRef(true),
	unref: (link) => link.setRef(false),
	close: (link) => link.close(),
};
