/* dc_*, as dcrf32.h declares it: slot 0C a card, 0D a SAM, and a field for cards held near. */
#include "manners.h"
#include "slot.h"

static struct slot contact = { "MOCK_CARD" }, near = { "MOCK_NEAR" }, sam = { "MOCK_SAM" };
static struct slot *chosen;
static int open_, found;

int dc_init(short port, int baud)
{
    manners("dc_init");
    if (port != 100 || slot_open(&contact))
        return -1;
    slot_open(&near);
    slot_open(&sam);
    open_ = 1;
    return 0;
}

short dc_exit(int device)
{
    manners("dc_exit");
    return open_ = 0;
}

short dc_getver(int device, unsigned char *version)
{
    strcpy((char *)version, "T10 1.0");
    return 0;
}

short dc_GetDeviceUid(int device, char *uid)
{
    strcpy(uid, "D0000000000000000001");
    return 0;
}

short dc_setcpu(int device, unsigned char number)
{
    manners("dc_setcpu");
    chosen = number == 0x0c ? &contact : number == 0x0d ? &sam : NULL;
    return open_ && chosen ? 0 : -1;
}

short dc_card_status(int device)
{
    if (manners("dc_card_status") == GARBAGE)
        return -12345;
    return !open_ || !chosen ? -1 : !slot_present(chosen);
}

short dc_cpureset(int device, unsigned char *length, unsigned char *data)
{
    int bad = manners("dc_cpureset");
    int given = slot_power(chosen, data);
    if (given <= 0)
        return -2;
    *length = bad == TOO_LONG ? 255 : given;
    return 0;
}

short dc_cpudown(int device)
{
    manners("dc_cpudown");
    slot_off(chosen);
    return 0;
}

short dc_cpuapduInt(
    int device, unsigned int sent, unsigned char *command, unsigned int *length, unsigned char *data)
{
    int bad = manners("dc_cpuapduInt");
    if (bad == OVERRUN)
        memset(data, 0x90, 1500);
    if (bad == GARBAGE)
        return *length = 1, 0;
    int answered = slot_apdu(chosen, command, sent, data);
    if (answered < 0)
        return -2;
    *length = bad == TOO_LONG ? 5000 : answered;
    return 0;
}

short dc_reset(int device, unsigned short off)
{
    found = 0;
    if (near.power)
        slot_off(&near);
    return 0;
}

short dc_config_card(int device, unsigned char type)
{
    return type == 'A' ? 0 : -1;
}

short dc_card_n(int device, unsigned char mode, unsigned int *length, unsigned char *number)
{
    /* A card that was found does not answer again until the field was off. */
    if (found || near.port == NULL || !slot_present(&near))
        return 1;
    found = 1;
    *length = 4;
    memcpy(number, "\x08\x01\x02\x03", 4);
    return 0;
}

short dc_pro_resetInt(int device, unsigned char *length, unsigned char *data)
{
    int given = found ? slot_power(&near, data) : -1;
    if (given <= 0)
        return -1;
    *length = given;
    return 0;
}

short dc_pro_commandlinkInt(int device, unsigned int sent, unsigned char *command,
    unsigned int *length, unsigned char *data, unsigned char timeout)
{
    int answered = slot_apdu(&near, command, sent, data);
    if (answered < 0)
        return -1;
    *length = answered;
    return 0;
}
