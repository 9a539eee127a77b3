/*
 * Little-endian numbers in a byte stream, read and written byte by byte: a
 * frame starts at any address, and the machine may be of either order.
 */
#ifndef WIRE_BYTES_H
#define WIRE_BYTES_H

#include <stdint.h>

static inline uint16_t load_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t load_u32(const uint8_t *at)
{
	return load_u16(at) | (uint32_t)load_u16(at + 2) << 16;
}

static inline uint64_t load_u64(const uint8_t *at)
{
	return load_u32(at) | (uint64_t)load_u32(at + 4) << 32;
}

/* The store functions give the place after what they wrote. */

static inline uint8_t *store_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
	return at + 2;
}

static inline uint8_t *store_u32(uint8_t *at, uint32_t value)
{
	return store_u16(store_u16(at, (uint16_t)value), (uint16_t)(value >> 16));
}

static inline uint8_t *store_u64(uint8_t *at, uint64_t value)
{
	return store_u32(store_u32(at, (uint32_t)value), (uint32_t)(value >> 32));
}

#endif
