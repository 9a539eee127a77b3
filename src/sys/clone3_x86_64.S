/*
 * long clone_trampoline(long nr, long a, long b, long c, clone_fn *fn, void *arg)
 *
 * Fits clone3(args, size) and clone(flags, stack, pidfd, child_tid, tls): the last
 * two of clone() are not looked at without the flags that ask for them.  The
 * kernel keeps all registers but rax, rcx and r11, so that fn (r8) and arg (r9)
 * are still there in the child.
 */
#if defined(__x86_64__)
	.text
	.globl	clone_trampoline
	.hidden	clone_trampoline
	.type	clone_trampoline, @function
clone_trampoline:
	.cfi_startproc
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	xor	%r10d, %r10d
	syscall
	test	%rax, %rax
	jz	1f
	ret
1:	/* The child: the outermost frame, on an empty, aligned stack. */
	.cfi_undefined rip
	xor	%ebp, %ebp
	mov	%r9, %rdi
	and	$-16, %rsp
	call	*%r8
	hlt
	.cfi_endproc
	.size	clone_trampoline, . - clone_trampoline
#endif
	.section .note.GNU-stack, "", @progbits
