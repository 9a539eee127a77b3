/*
 * Does nothing, with success.  Where the Makefile defines TINY it does not even
 * have a C library, so that what a benchmark of it measures is the cost of
 * starting a process and hardly that of the process.
 */
#if defined(TINY) && defined(__x86_64__)

void _start(void);
void _start(void)
{
	/* exit_group(0) */
	__asm__ volatile("syscall" : : "a"(231), "D"(0) : "rcx", "r11", "memory");
	__builtin_unreachable();
}

#elif defined(TINY) && defined(__aarch64__)

void _start(void);
void _start(void)
{
	register long number __asm__("x8") = 94; /* exit_group */
	register long status __asm__("x0") = 0;

	__asm__ volatile("svc 0" : : "r"(number), "r"(status) : "memory");
	__builtin_unreachable();
}

#elif defined(TINY)
#error "without a C library only where the system call is known; the Makefile tries again"
#else

int main(void)
{
	return 0;
}

#endif
