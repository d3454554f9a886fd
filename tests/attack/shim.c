/* Stands between a process and the C library for the files of one folder (LD_PRELOAD).
 *
 * Every call that changes a file counts. The n-th one can kill the process (before it, in its
 * middle, after it) or fail; every one can be recorded, for a disk that forgets what was not
 * flushed. A process forked from the one that loaded this arms it with attack_arm().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OFF, COUNT, KILL_BEFORE, KILL_WITHIN, KILL_AFTER, FAIL, FAIL_FLUSHES, READ_ONLY };

static int mode = OFF, code, record_to = -1;
static long at, until, calls;
static char folder[PATH_MAX];

/* Calls from `first` to `last`, counted from 1, are attacked. */
void attack_arm(const char *where, int how, long first, long last, int error, int record)
{
    snprintf(folder, sizeof folder, "%s", where);
    mode = how, at = first, until = last, code = error, record_to = record, calls = 0;
}

long attack_calls(void) { return calls; }

static int is_ours(const char *path)
{
    size_t length = strlen(folder);
    return mode != OFF && path && length && !strncmp(path, folder, length);
}

/* Asking the kernel for a name takes longer than all else that a call does here. What a descriptor
 * stands for is remembered with its file, for the name itself matters to a record only. */
static const char *name_of(int fd)
{
    static __thread char path[PATH_MAX];
    static struct { dev_t device; ino_t inode; int ours; } known[64];
    struct stat file;
    if (mode == OFF || fstat(fd, &file))
        return NULL;
    int kept = fd >= 0 && fd < 64 && record_to < 0;
    if (kept && known[fd].device == file.st_dev && known[fd].inode == file.st_ino)
        return known[fd].ours ? folder : NULL;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return NULL;
    path[length] = 0;
    int ours = is_ours(path);
    if (kept)
        known[fd].device = file.st_dev, known[fd].inode = file.st_ino, known[fd].ours = ours;
    return ours ? path : NULL;
}

static void put_all(const void *data, size_t length)
{
    const char *from = data;
    while (length) {
        ssize_t done = syscall(SYS_write, record_to, from, length);
        if (done <= 0)
            _exit(99);
        from += done, length -= done;
    }
}

/* operation, length of name, name, number, length of data, data; numbers in 8 bytes */
void attack_record(char operation, const char *name, int64_t number, const void *data, int64_t size)
{
    int64_t length = strlen(name);
    if (record_to < 0)
        return;
    put_all(&operation, 1);
    put_all(&length, 8), put_all(name, length);
    put_all(&number, 8);
    put_all(&size, 8), put_all(data, size);
}

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

/* Before the call: 0: go on; otherwise it fails with this errno. */
static int before(int is_flush)
{
    calls++;
    int hit = calls >= at && calls <= until;
    if (mode == KILL_BEFORE && hit)
        die();
    if ((mode == FAIL && hit) || (mode == FAIL_FLUSHES && hit && is_flush))
        return code;
    return mode == READ_ONLY ? EROFS : 0;
}

static int cut_here(void) { return mode == KILL_WITHIN && calls == at; }
static void after(void) { if (mode == KILL_AFTER && calls == at) die(); }

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = dlsym(RTLD_NEXT, name)
#define REFUSE(flush) do { int e = before(flush); if (e) { errno = e; return -1; } } while (0)

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    const char *path = name_of(fd);
    if (!path)
        return real(fd, data, size, offset);
    REFUSE(0);
    if (cut_here()) { real(fd, data, size / 2, offset); die(); }
    ssize_t done = real(fd, data, size, offset);
    if (done > 0)
        attack_record('w', path, offset, data, done);
    after();
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{ return pwrite64(fd, data, size, offset); }

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    const char *path = name_of(fd);
    if (!path)
        return real(fd, data, size);
    off64_t offset = lseek64(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    REFUSE(0);
    if (cut_here()) { real(fd, data, size / 2); die(); }
    ssize_t done = real(fd, data, size);
    if (done > 0)
        attack_record('w', path, offset, data, done);
    after();
    return done;
}

static int flush(int fd, int (*real)(int))
{
    const char *path = name_of(fd);
    if (!path)
        return real(fd);
    REFUSE(1);
    if (cut_here()) die();
    int done = real(fd);
    if (!done)
        attack_record('s', path, 0, "", 0);
    after();
    return done;
}
int fsync(int fd) { REAL(int, "fsync", int); return flush(fd, real); }
int fdatasync(int fd) { REAL(int, "fdatasync", int); return flush(fd, real); }

int ftruncate64(int fd, off64_t size)
{
    REAL(int, "ftruncate64", int, off64_t);
    const char *path = name_of(fd);
    if (!path)
        return real(fd, size);
    REFUSE(0);
    if (cut_here()) die();
    int done = real(fd, size);
    if (!done)
        attack_record('t', path, size, "", 0);
    after();
    return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int unlink(const char *path)
{
    REAL(int, "unlink", const char *);
    if (!is_ours(path))
        return real(path);
    REFUSE(0);
    if (cut_here()) die();
    int done = real(path);
    if (!done)
        attack_record('u', path, 0, "", 0);
    after();
    return done;
}

static int renamed(const char *from, const char *to, int (*real)(const char *, const char *))
{
    if (!is_ours(to))
        return real(from, to);
    REFUSE(0);
    if (cut_here()) die();
    int done = real(from, to);
    if (!done)
        attack_record('r', from, 0, to, strlen(to));
    after();
    return done;
}
int rename(const char *from, const char *to)
{ REAL(int, "rename", const char *, const char *); return renamed(from, to, real); }

static int opened(const char *path, int flags, mode_t bits, int (*real)(const char *, int, ...))
{
    if (!is_ours(path) || !(flags & (O_CREAT | O_WRONLY | O_RDWR)))
        return real(path, flags, bits);
    if (mode == READ_ONLY) { errno = EROFS; return -1; }
    struct stat found;
    int is_new = (flags & O_CREAT) && stat(path, &found);
    if (is_new) {
        REFUSE(0);
        if (cut_here()) die();
    }
    int fd = real(path, flags, bits);
    if (fd >= 0 && is_new) {
        attack_record('c', path, 0, "", 0);
        after();
    }
    return fd;
}
#define MODE_OF(flags) mode_t bits = 0; \
    if ((flags) & O_CREAT) { va_list more; va_start(more, flags); bits = va_arg(more, int); \
                             va_end(more); }
int open64(const char *path, int flags, ...)
{ MODE_OF(flags) REAL(int, "open64", const char *, int, ...); return opened(path, flags, bits, real); }
int open(const char *path, int flags, ...)
{ MODE_OF(flags) REAL(int, "open", const char *, int, ...); return opened(path, flags, bits, real); }
