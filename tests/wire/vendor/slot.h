/* A slot that a virtual card connects to (hardware/virtual/card.py says what they speak): a length
   of two bytes, then 00 off, 01 on, 04 give the answer to reset, or a command. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

struct slot { const char *port; int listener, card, power; };

static int slot_open(struct slot *slot)
{
    struct sockaddr_in here = { .sin_family = AF_INET };
    int yes = 1;
    slot->card = slot->listener = -1;
    slot->power = 0;
    if (!getenv(slot->port))
        return -1;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    here.sin_port = htons(atoi(getenv(slot->port)));
    slot->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(slot->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(slot->listener, (struct sockaddr *)&here, sizeof here) || listen(slot->listener, 1))
        return -1;
    return 0;
}

static void slot_gone(struct slot *slot)
{
    if (slot->card >= 0)
        close(slot->card);
    slot->card = -1;
    slot->power = 0;
}

static int slot_present(struct slot *slot)
{
    if (slot->card >= 0) {
        struct pollfd card = { slot->card, POLLRDHUP, 0 };
        if (poll(&card, 1, 0) == 0)
            return 1;
        slot_gone(slot);
    }
    struct pollfd knock = { slot->listener, POLLIN, 0 };
    if (poll(&knock, 1, 0) == 1)
        slot->card = accept(slot->listener, NULL, NULL);
    return slot->card >= 0;
}

static int slot_say(struct slot *slot, const void *message, int length)
{
    unsigned char whole[2 + 300] = { length >> 8, length };
    memcpy(whole + 2, message, length);
    if (slot->card < 0 || send(slot->card, whole, 2 + length, MSG_NOSIGNAL) != 2 + length) {
        slot_gone(slot);
        return -1;
    }
    return 0;
}

static int slot_hear(struct slot *slot, unsigned char *out)
{
    unsigned char head[2];
    if (recv(slot->card, head, 2, MSG_WAITALL) != 2
        || recv(slot->card, out, head[0] << 8 | head[1], MSG_WAITALL) != (head[0] << 8 | head[1])) {
        slot_gone(slot);
        return -1;
    }
    return head[0] << 8 | head[1];
}

static int slot_power(struct slot *slot, unsigned char *out)
{
    int length;
    if (!slot_present(slot) || slot_say(slot, "\x01", 1) || slot_say(slot, "\x04", 1)
        || (length = slot_hear(slot, out)) < 0)
        return -1;
    slot->power = length > 0;
    return length;
}

static int slot_apdu(struct slot *slot, const unsigned char *command, int length, unsigned char *out)
{
    if (!slot->power || slot_say(slot, command, length))
        return -1;
    return slot_hear(slot, out);
}

static void slot_off(struct slot *slot)
{
    slot_say(slot, "\x00", 1);
    slot->power = 0;
}
