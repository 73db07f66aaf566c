/* tests/support/refuse.c: Runs a program whose io_uring the kernel refuses: ERRNO PROGRAM... With
 * --late before them it allows a ring and refuses to register buffers; with --epoll it refuses
 * epoll_pwait2() instead. */
#define _GNU_SOURCE /* execvp */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BAD_USAGE = 2, NOT_STARTED = 3 };

static const struct {
    const char *name;
    unsigned code;
} errors[] = {{"EPERM", EPERM},
              {"ENOSYS", ENOSYS},
              {"ENOMEM", ENOMEM},
              {"EINVAL", EINVAL},
              {"EMFILE", EMFILE}};

static unsigned code_of(const char *name)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(errors[i].name, name) == 0) {
            return errors[i].code;
        }
    }
    return 0;
}

/* Seccomp, as in a container: one call fails with this, all others pass. Children inherit it. */
static int refuse(unsigned call, unsigned code)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof(steps) / sizeof(steps[0]), .filter = steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int argc, char **argv)
{
    unsigned call = SYS_io_uring_setup;
    char **words = argv + 1;
    if (argc > 1 && strcmp(*words, "--late") == 0) {
        call = SYS_io_uring_register;
        words++;
    } else if (argc > 1 && strcmp(*words, "--epoll") == 0) {
        call = 441; /* SYS_epoll_pwait2, which old headers lack */
        words++;
    }
    if (argv + argc - words < 2 || code_of(words[0]) == 0) {
        fprintf(stderr, "usage: %s [--late|--epoll] EPERM|ENOSYS|ENOMEM|EINVAL|EMFILE PROGRAM...\n",
                argv[0]);
        return BAD_USAGE;
    }
    if (refuse(call, code_of(words[0])) == 0) {
        execvp(words[1], &words[1]);
    }
    perror(argv[0]);
    return NOT_STARTED;
}
