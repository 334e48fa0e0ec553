
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#define _GNU_SOURCE

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holder_fixture.h"


holder_t
hold(int (*function)(void))
{
    int       fds[2], result;
    holder_t  holder;

    ck_assert_int_eq(pipe(fds), 0);

    holder.pid = fork();
    ck_assert_int_ne(holder.pid, -1);

    if (holder.pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

        result = function();

        if (write(fds[1], &result, sizeof(result)) != sizeof(result)) {
            _exit(1);
        }

        for ( ;; ) {
            pause();
        }
    }

    ck_assert_int_eq(read(fds[0], &holder.result, sizeof(holder.result)),
                     sizeof(holder.result));
    close(fds[0]);
    close(fds[1]);

    return holder;
}


void
end(holder_t *holder)
{
    ck_assert_int_eq(kill(holder->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(holder->pid, NULL, 0), holder->pid);
}


void
dies_at(const char *point, void (*function)(void))
{
    int    status;
    pid_t  pid;

    pid = fork();
    ck_assert_int_ne(pid, -1);

    if (pid == 0) {
        (void) setenv("INGEST_FAULT", point, 1);
        function();
        _exit(0);
    }

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                  "nobody died at %s", point);
}
