/*
 * long clone_trampoline(long nr, long a, long b, long c, clone_fn *fn, void *arg)
 *
 * See clone3_x86_64.S.  clone() takes (flags, stack, pidfd, tls, child_tid) here;
 * the last two are not looked at without the flags that ask for them.
 */
#if defined(__aarch64__)
	.text
	.globl	clone_trampoline
	.hidden	clone_trampoline
	.type	clone_trampoline, %function
clone_trampoline:
	.cfi_startproc
	mov	x8, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x6, x4
	mov	x7, x5
	mov	x3, xzr
	mov	x4, xzr
	svc	#0
	cbz	x0, 1f
	ret
1:	/* The child: the outermost frame. */
	.cfi_undefined x30
	mov	x29, xzr
	mov	x0, x7
	blr	x6
	brk	#1
	.cfi_endproc
	.size	clone_trampoline, . - clone_trampoline
#endif
	.section .note.GNU-stack, "", %progbits
