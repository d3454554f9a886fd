/* SDT_*, as sdtapi.h declares it. What the module says comes from a serial far end: the port that
   MOCK_SAM names. */
#include "manners.h"
#include <fcntl.h>
#include <poll.h>

static int line = -1;

/* One byte, or -1 after so many ms. */
static int hear(int patience)
{
    unsigned char byte;
    struct pollfd said = { line, POLLIN, 0 };
    return poll(&said, 1, patience) == 1 && read(line, &byte, 1) == 1 ? byte : -1;
}

/* SW3 of the answer, its data in `data`; 2: none came, 3: it was spoilt. */
static int ask(unsigned char command, unsigned char parameter, unsigned char *data, int *length)
{
    unsigned char frame[] = { 0xaa, 0xaa, 0xaa, 0x96, 0x69, 0, 3, command, parameter,
                              3 ^ command ^ parameter };
    unsigned char head[5] = { 0 }, body[4096], sum = 0;
    int byte, noise = 0, patience = command == 0x30 ? 2000 : 500;
    while (hear(0) >= 0)
        ;
    *length = 0;
    if (line < 0 || write(line, frame, sizeof frame) != sizeof frame)
        return 1;
    while (memcmp(head, "\xaa\xaa\xaa\x96\x69", 5)) {
        if ((byte = hear(patience)) < 0 || ++noise > 128)
            return noise ? 3 : 2;
        memmove(head, head + 1, 4);
        head[4] = byte;
    }
    int high = hear(300), low = hear(300), count = high << 8 | low;
    if (high < 0 || low < 0 || count < 4 || count > (int)sizeof body)
        return 3;
    for (int place = 0; place < count; place++) {
        if ((byte = hear(300)) < 0)
            return 3;
        body[place] = byte;
        sum ^= byte;
    }
    if ((sum ^ high ^ low) != 0)
        return 0x10;
    *length = count - 4;
    memcpy(data, body + 3, *length);
    return body[2];
}

int SDT_OpenPort(int port)
{
    manners("SDT_OpenPort");
    if (line >= 0)
        close(line);
    line = port == 1001 ? open(getenv("MOCK_SAM_LINE"), O_RDWR | O_NOCTTY) : -1;
    return line < 0 ? 1 : 0x90;
}

int SDT_ClosePort(int port)
{
    manners("SDT_ClosePort");
    close(line);
    line = -1;
    return 0x90;
}

int SDT_GetSAMStatus(int port, int open)
{
    unsigned char none[4096];
    int length;
    manners("SDT_GetSAMStatus");
    return ask(0x11, 0xff, none, &length);
}

int SDT_GetSAMID(int port, unsigned char *id, int open)
{
    unsigned char data[4096];
    int length, status = ask(0x12, 0xff, data, &length);
    memcpy(id, data, status == 0x90 ? 16 : 0);
    return status;
}

int SDT_StartFindIDCard(int port, unsigned char *id, int open)
{
    unsigned char data[4096];
    int length, status;
    int bad = manners("SDT_StartFindIDCard");
    if (bad == OVERRUN)
        memset(id, 1, 200);
    if (bad == GARBAGE)
        return -77;
    status = ask(0x20, 0x01, data, &length);
    memcpy(id, data, status == 0x9f ? 4 : 0);
    return status;
}

int SDT_SelectIDCard(int port, unsigned char *number, int open)
{
    unsigned char data[4096];
    int length, status = ask(0x20, 0x02, data, &length);
    memcpy(number, data, status == 0x90 ? 8 : 0);
    return status;
}

int SDT_ReadBaseMsg(int port, unsigned char *text, unsigned int *texts, unsigned char *photo,
    unsigned int *photos, int open)
{
    unsigned char data[4096];
    int length, status;
    int bad = manners("SDT_ReadBaseMsg");
    if ((status = ask(0x30, 0x01, data, &length)) != 0x90)
        return status;
    *texts = data[0] << 8 | data[1];
    *photos = data[2] << 8 | data[3];
    memcpy(text, data + 4, *texts);
    memcpy(photo, data + 4 + *texts, *photos);
    if (bad == TOO_LONG)
        *texts = 100000;
    if (bad == GARBAGE)
        *texts = 17;
    return 0x90;
}

int SDT_ReadNewAppMsg(int port, unsigned char *text, unsigned int *texts, int open)
{
    unsigned char data[4096];
    int length, status;
    manners("SDT_ReadNewAppMsg");
    if ((status = ask(0x30, 0x03, data, &length)) == 0x90) {
        *texts = length;
        memcpy(text, data, length);
    }
    return status;
}
