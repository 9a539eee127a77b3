/*
 * The version of the library, the daemon and the command line: one number for
 * all of them.  The Makefile reads it from the line below.
 */
#ifndef URINGSPAWN_VERSION_H
#define URINGSPAWN_VERSION_H

#define USP_VERSION "0.1.0"

#endif
