/* SPDX-License-Identifier: Apache-2.0
   Stands in for a slower disk: preloaded, it lets each sync take BENCH_SYNC_US microseconds more. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int slower(int file, const char *name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *more = getenv("BENCH_SYNC_US");
    int got = real(file);
    if (more) usleep(atoi(more));
    return got;
}

int fsync(int file) { return slower(file, "fsync"); }
int fdatasync(int file) { return slower(file, "fdatasync"); }
