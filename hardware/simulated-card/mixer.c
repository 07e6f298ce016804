/* The simulated card's mixer: one control, "Master", with a volume in half decibels and a switch.
 *
 * Its state is in the ctl page, so that whoever runs the room can turn it and read it, and the speaker's end obeys it.
 * It sends no events: a program that wants to know what others have set must look. */
#define _GNU_SOURCE
#include "room.h"
#include <alsa/asoundlib.h>
#include <alsa/control_external.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { VOLUME, SWITCH, ELEMENTS };

static const char *const NAMES[ELEMENTS] = {"Master Playback Volume", "Master Playback Switch"};

/* SNDRV_CTL_TLVT_DB_SCALE, its length in bytes, the least volume and a step in hundredths of a decibel. */
static const unsigned SCALE[] = {1, 8, (unsigned)-(MIXER_STEPS * 50), 50};

typedef struct {
    snd_ctl_ext_t ext;
    volatile int64_t *ctl;
} Mixer;

static bool gone(const Mixer *mixer) { return mixer->ctl[CTL_SPK + UNPLUGGED_NS] != 0; }

static int elem_count(snd_ctl_ext_t *ext) {
    return gone(ext->private_data) ? -ENODEV : ELEMENTS;
}

static int elem_list(snd_ctl_ext_t *ext, unsigned offset, snd_ctl_elem_id_t *id) {
    (void)ext;
    if (offset >= ELEMENTS)
        return -EINVAL;
    snd_ctl_elem_id_set_interface(id, SND_CTL_ELEM_IFACE_MIXER);
    snd_ctl_elem_id_set_name(id, NAMES[offset]);
    return 0;
}

static snd_ctl_ext_key_t find_elem(snd_ctl_ext_t *ext, const snd_ctl_elem_id_t *id) {
    (void)ext;
    unsigned numid = snd_ctl_elem_id_get_numid(id);
    if (numid >= 1 && numid <= ELEMENTS)
        return numid - 1;
    for (unsigned key = 0; key < ELEMENTS; key++)
        if (!strcmp(snd_ctl_elem_id_get_name(id), NAMES[key]))
            return key;
    return SND_CTL_EXT_KEY_NOT_FOUND;
}

static int get_attribute(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, int *type, unsigned *access, unsigned *count) {
    (void)ext;
    *type = key == VOLUME ? SND_CTL_ELEM_TYPE_INTEGER : SND_CTL_ELEM_TYPE_BOOLEAN;
    *access = SND_CTL_EXT_ACCESS_READWRITE | (key == VOLUME ? SND_CTL_EXT_ACCESS_TLV_READ : 0);
    *count = 1;
    return 0;
}

static int get_integer_info(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *least, long *most, long *step) {
    (void)ext;
    *least = 0;
    *most = key == VOLUME ? MIXER_STEPS : 1;
    *step = 1;
    return 0;
}

static int read_integer(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value) {
    const Mixer *mixer = ext->private_data;
    if (gone(mixer))
        return -ENODEV;
    *value = key == VOLUME ? MIXER_STEPS - (long)mixer->ctl[CTL_MIXER + LOWERED] : !mixer->ctl[CTL_MIXER + OFF];
    return 0;
}

static int write_integer(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value) {
    Mixer *mixer = ext->private_data;
    if (gone(mixer))
        return -ENODEV;
    if (*value < 0 || *value > (key == VOLUME ? MIXER_STEPS : 1))
        return -EINVAL;
    volatile int64_t *word = mixer->ctl + CTL_MIXER + (key == VOLUME ? LOWERED : OFF);
    int64_t next = key == VOLUME ? MIXER_STEPS - *value : !*value;
    int changed = *word != next;
    *word = next;
    __atomic_fetch_add(&mixer->ctl[CTL_MIXER + WRITES], 1, __ATOMIC_SEQ_CST);
    return changed;
}

static int read_event(snd_ctl_ext_t *ext, snd_ctl_elem_id_t *id, unsigned *mask) {
    (void)ext, (void)id, (void)mask;
    return -EAGAIN;
}

static void release(snd_ctl_ext_t *ext) {
    Mixer *mixer = ext->private_data;
    munmap((void *)mixer->ctl, CTL_BYTES);
    free(mixer);
}

static const snd_ctl_ext_callback_t CALLBACKS = {
    .close = release,
    .elem_count = elem_count,
    .elem_list = elem_list,
    .find_elem = find_elem,
    .get_attribute = get_attribute,
    .get_integer_info = get_integer_info,
    .read_integer = read_integer,
    .write_integer = write_integer,
    .read_event = read_event,
};

/* ctl.NAME { type antiphon, room "/a/directory" } */
SND_CTL_PLUGIN_DEFINE_FUNC(antiphon) {
    const char *room = NULL;
    snd_config_iterator_t at, next;
    (void)root;
    snd_config_for_each(at, next, conf) {
        snd_config_t *entry = snd_config_iterator_entry(at);
        const char *key;
        if (snd_config_get_id(entry, &key) == 0 && !strcmp(key, "room") && snd_config_get_string(entry, &room) < 0)
            return -EINVAL;
    }
    if (!room) {
        SNDERR("antiphon: a ctl needs room");
        return -EINVAL;
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/ctl", room);
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return -ENODEV;
    void *page = mmap(NULL, CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (page == MAP_FAILED)
        return -ENODEV;
    Mixer *mixer = calloc(1, sizeof *mixer);
    if (!mixer) {
        munmap(page, CTL_BYTES);
        return -ENOMEM;
    }
    mixer->ctl = page;
    mixer->ext.version = SND_CTL_EXT_VERSION;
    mixer->ext.poll_fd = -1;
    mixer->ext.callback = &CALLBACKS;
    mixer->ext.private_data = mixer;
    mixer->ext.tlv.p = SCALE;
    strcpy(mixer->ext.id, "Antiphon");
    strcpy(mixer->ext.driver, "Antiphon");
    strcpy(mixer->ext.name, "Antiphon simulated card");
    strcpy(mixer->ext.longname, "Antiphon simulated card");
    strcpy(mixer->ext.mixername, "Antiphon simulated mixer");
    int error = gone(mixer) ? -ENODEV : snd_ctl_ext_create(&mixer->ext, name, mode);
    if (error < 0) {
        release(&mixer->ext);
        return error;
    }
    *handlep = mixer->ext.handle;
    return 0;
}
SND_CTL_PLUGIN_SYMBOL(antiphon);
