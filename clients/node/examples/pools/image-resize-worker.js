'use strict';
/*
 * The worker of image-resize.js: each pixel of the small image is the mean of those that it
 * stands for.
 */
const COLORS = 3;

/* A RangeError for what is no image: it comes to the caller as it is thrown here. */
function parse(bytes) {
	const found = /^P6\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+(\d+)\s/.exec(bytes.toString('latin1', 0, 1024));

	if (found === null || found[3] !== '255')
		throw new RangeError('not a PPM with 8 bits for each color');
	const [width, height] = [Number(found[1]), Number(found[2])];
	const pixels = bytes.subarray(found[0].length);

	if (width < 1 || height < 1 || pixels.length < width * height * COLORS)
		throw new RangeError('the image is cut off');
	return { width, height, pixels };
}

function mean({ width, pixels }, color, left, right, top, bottom) {
	let sum = 0;

	for (let y = top; y < bottom; y++)
		for (let x = left; x < right; x++)
			sum += pixels[(y * width + x) * COLORS + color];
	return Math.round(sum / ((right - left) * (bottom - top)));
}

function resize(image, width) {
	if (!Number.isInteger(width) || width < 1 || width > image.width)
		throw new RangeError(`the width has to be from 1 to ${image.width}`);
	const height = Math.max(1, Math.round(image.height * width / image.width));
	const header = Buffer.from(`P6\n${width} ${height}\n255\n`);
	const small = Buffer.alloc(header.length + width * height * COLORS, header);
	const edge = (at, of, size) => Math.floor(at * size / of);
	let next = header.length;

	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++)
			for (let color = 0; color < COLORS; color++)
				small[next++] = mean(image, color, edge(x, width, image.width), edge(x + 1, width, image.width),
					edge(y, height, image.height), edge(y + 1, height, image.height));
	return small;
}

process.on('message', ({ width, image }) => process.send(resize(parse(Buffer.from(image)), width)));
