/* What makers' libraries were seen to do. The file that MOCK_MANNERS names holds one line,
   "manner function n": at the n-th call of that function since the library was loaded, once.
   "chatter" goes on for ever. What manners() returns the function does itself. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WELL, TOO_LONG, OVERRUN, GARBAGE };

static int manners(const char *function)
{
    static int calls;
    char manner[32] = "", of[64] = "";
    int n = 0;
    const char *path = getenv("MOCK_MANNERS");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file)
        return WELL;
    int read = fscanf(file, "%31s %63s %d", manner, of, &n);
    fclose(file);
    if (read >= 1 && !strcmp(manner, "chatter")) {
        printf("{\"value\": 0, \"out\": [], \"counts\": []}\n");
        fprintf(stderr, "card 9000 ok\n");
        fflush(stdout);
        return WELL;
    }
    if (read != 3 || strcmp(of, function) || ++calls != n)
        return WELL;
    unlink(path);
    if (!strcmp(manner, "hang"))
        sleep(600);
    if (!strcmp(manner, "crash"))
        *(volatile int *)0 = 1;
    if (!strcmp(manner, "abort"))
        abort();
    if (!strcmp(manner, "exit"))
        _exit(0);
    if (!strcmp(manner, "stop"))
        raise(SIGSTOP);
    if (!strcmp(manner, "group"))
        kill(0, SIGTERM);
    if (!strcmp(manner, "close"))
        for (int file = 3; file < 1024; file++)
            close(file);
    if (!strcmp(manner, "babble"))
        for (int file = 3; file < 1024; file++)
            if (write(file, "\xff{not json", 10) == 10)
                break;
    return !strcmp(manner, "long") ? TOO_LONG : !strcmp(manner, "overrun") ? OVERRUN
         : !strcmp(manner, "garbage") ? GARBAGE : WELL;
}
