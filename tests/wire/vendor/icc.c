/* ICC_Reader_*, as SSSE32.h declares it: slot 1 a card, 0 one held near, 0x11 a SAM. */
#include "manners.h"
#include "slot.h"

static struct slot contact = { "MOCK_CARD" }, near = { "MOCK_NEAR" }, sam = { "MOCK_SAM" };
static int open_;

static struct slot *of(unsigned char number)
{
    return number == 0x01 ? &contact : number == 0x00 ? &near : number == 0x11 ? &sam : NULL;
}

long ICC_Reader_Open(char *name)
{
    manners("ICC_Reader_Open");
    if (strcmp(name, "AUTO") && strcmp(name, "USB1"))
        return -14;
    if (slot_open(&contact))
        return -11;
    slot_open(&near);
    slot_open(&sam);
    open_ = 1;
    return 7;
}

long ICC_Reader_Close(long handle)
{
    manners("ICC_Reader_Close");
    open_ = 0;
    return 0;
}

long ICC_Reader_Libinfo(char *info)
{
    memcpy(info, "MOCK            TEST          12", 33);
    return 0;
}

/* Some makers declare int where others have long: the upper half of what comes back is not set. */
int ICC_Reader_GetStatus(int handle, unsigned char number)
{
    if (manners("ICC_Reader_GetStatus") == GARBAGE)
        return -12345;
    struct slot *slot = of(number);
    if (handle != 7 || !open_)
        return -12;
    if (!slot)
        return -14;
    return !slot_present(slot) ? -2 : slot->power ? 0 : -3;
}

long ICC_Reader_PowerOn(long handle, unsigned char number, unsigned char *response)
{
    int bad = manners("ICC_Reader_PowerOn");
    int length = slot_power(of(number), response);
    return bad == TOO_LONG ? 100000 : length < 0 ? -2 : length == 0 ? -4 : length;
}

long ICC_Reader_PowerOff(long handle, unsigned char number)
{
    manners("ICC_Reader_PowerOff");
    slot_off(of(number));
    return 0;
}

long ICC_Reader_Application(
    long handle, unsigned char number, long length, unsigned char *command, unsigned char *response)
{
    int bad = manners("ICC_Reader_Application");
    if (bad == OVERRUN)
        memset(response, 0x90, 1500);
    if (bad == GARBAGE)
        return 1;
    int answered = slot_apdu(of(number), command, length, response);
    return bad == TOO_LONG ? 5000 : answered < 0 ? -2 : answered;
}
