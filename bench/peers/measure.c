/* measure PROGRAM ARGS… - runs a program and prints, after what it printed, "cpu_us N wall_us N": user and system time of
 * the whole process, all threads, from wait4. The same ruler for every client, ours or not. */
#define _GNU_SOURCE
#include "hist.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    struct rusage u;
    int           status;
    uint64_t      start = hist_now();
    if (argc < 2) return 2;
    pid_t pid = fork();
    if (pid < 0) return 1;
    if (pid == 0) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (wait4(pid, &status, 0, &u) != pid) return 1;
    printf("cpu_us %llu wall_us %llu\n",
           (unsigned long long)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
               (unsigned long long)(u.ru_utime.tv_usec + u.ru_stime.tv_usec),
           (unsigned long long)((hist_now() - start) / 1000));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
