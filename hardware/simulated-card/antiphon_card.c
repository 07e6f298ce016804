/* A sound card that is two files and a clock: an external I/O plugin for ALSA.
 *
 * The room is a directory. mic.raw is what can be heard in it, spk.raw is what was played into it, and both lie on
 * a timeline: frame n of a file is the sound at the moment at which the card's clock shows n. The card gives and takes
 * frames at the pace of CLOCK_MONOTONIC, so a program that reads or writes too late overflows or underflows as it
 * would on a real card, and nothing that was dropped before it sounded is ever found in spk.raw.
 *
 * With acoustics in the room (air.h), the microphone hears the speaker as well.
 *
 * `ctl` (room.h) is one page that the card shares with whoever runs the room: the clocks, the plugs and the counters.
 * The terms of ALSA: appl_ptr is how far the program has come, the hardware pointer how far the card has come,
 * both in frames since the stream was prepared.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "air.h"
#include "room.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MAX_CHANNELS = 32, MIX_SAMPLES = 4096 };

typedef struct {
    snd_pcm_ioplug_t io;
    int64_t *ctl;          /* the whole page */
    volatile int64_t *end; /* our block of it */
    char *room;            /* its directory */
    int timer;             /* what the program polls: expires when avail_min frames are there */
    int file;
    unsigned rate, channels;
    snd_pcm_uframes_t least; /* frames of the smallest buffer that a program may choose */
    bool running;
    int64_t first;    /* frame of the timeline at which the stream began */
    int64_t position; /* the hardware pointer */
    int64_t sounded;  /* playback: up to here the stream has been laid into spk.raw */
    snd_pcm_uframes_t avail_min;
    int16_t *ring; /* playback: what was written and has not sounded yet; buffer_size frames */
    Voice *voice;     /* playback: our own place in the air, once the room carries sound */
    Hearing *hearing; /* capture: what of the speaker is heard, from then on */
} Card;

static Clocked clocked(const Card *card) { return (Clocked){card->end, card->rate}; }

/* ---- where the stream stands ---- */

static bool unplugged(const Card *card) { return card->end[UNPLUGGED_NS] != 0; }

static bool plays(const Card *card) { return card->io.stream == SND_PCM_STREAM_PLAYBACK; }

static int64_t written(const Card *card) { return (int64_t)card->io.appl_ptr; }

/* Frames that the program can read, or that it has room to write. More than the buffer holds: some were lost.
 * It counts from appl_ptr and not from what was transferred, for with mmap ALSA fetches whatever is there. */
static int64_t available(const Card *card) {
    if (plays(card))
        return (int64_t)card->io.buffer_size - (written(card) - card->position);
    return card->position - written(card);
}

static bool draining(const Card *card) { return card->io.state == SND_PCM_STATE_DRAINING; }

/* How many frames must be available before the program is woken. */
static int64_t wanted(const Card *card) { return draining(card) ? (int64_t)card->io.buffer_size : (int64_t)card->avail_min; }

/* ---- the speaker's file ---- */

static int16_t sum(int16_t a, int16_t b) {
    int both = a + b;
    return both > INT16_MAX ? INT16_MAX : both < INT16_MIN ? INT16_MIN : (int16_t)both;
}

/* Mix `count` samples into spk.raw from sample `at` on. Several programs may play at once. */
static void mix(const Card *card, const int16_t *samples, size_t count, int64_t at) {
    int16_t mixed[MIX_SAMPLES] = {0};
    while (count > 0) {
        size_t part = count < MIX_SAMPLES ? count : MIX_SAMPLES;
        off_t offset = (off_t)(at * (int64_t)sizeof(int16_t));
        ssize_t had = pread(card->file, mixed, part * sizeof(int16_t), offset);
        size_t heard = had > 0 ? (size_t)had / sizeof(int16_t) : 0;
        for (size_t i = 0; i < part; i++)
            mixed[i] = i < heard ? sum(mixed[i], samples[i]) : samples[i];
        if (pwrite(card->file, mixed, part * sizeof(int16_t), offset) < 0)
            SNDERR("antiphon: cannot write spk.raw: %s", strerror(errno));
        samples += part, at += (int64_t)part, count -= part;
    }
}

/* Lay down what has sounded since the last time. What came too late to sound is passed over: there was silence. */
static void lay_down(Card *card) {
    int64_t until = card->position < written(card) ? card->position : written(card);
    if (until > card->sounded) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        fcntl(card->file, F_OFD_SETLKW, &whole);
        while (card->sounded < until) {
            int64_t slot = card->sounded % (int64_t)card->io.buffer_size;
            int64_t part = (int64_t)card->io.buffer_size - slot;
            if (part > until - card->sounded)
                part = until - card->sounded;
            mix(card, card->ring + slot * card->channels, (size_t)part * card->channels,
                (card->first + card->sounded) * card->channels);
            card->sounded += part;
        }
        whole.l_type = F_UNLCK;
        fcntl(card->file, F_OFD_SETLK, &whole);
        card->end[END_FRAME] = card->first + card->sounded;
    }
    if (card->position > card->sounded)
        card->sounded = card->position;
}

/* Move the hardware pointer to now, or to the moment at which the cable was pulled. */
static void advance(Card *card) {
    if (!card->running)
        return;
    int64_t pulled = card->end[UNPLUGGED_NS], now = now_ns();
    int64_t position = frame_at(clocked(card), pulled && pulled < now ? pulled : now) - card->first;
    if (position > card->position)
        card->position = position;
    if (plays(card))
        lay_down(card);
    else
        card->end[END_FRAME] = card->first + written(card);
}

/* ---- into the air, and out of it ---- */

/* Under the lock: what was written as the stream's frames `from` to `to` will sound. */
static void lay_ahead(Card *card, int64_t from, int64_t to) {
    int64_t size = (int64_t)card->io.buffer_size;
    while (from < to) {
        int64_t part = size - from % size < to - from ? size - from % size : to - from;
        voice_lay(card->voice, card->ring + from % size * card->channels, card->channels, card->first + from, part);
        from += part;
    }
}

/* Whether the room carries what is played; from the first time on, what was written already is laid too. */
static bool voiced(Card *card) {
    if (!card->voice && (card->voice = voice_open(card->room, card->ctl, card->rate)) && card->running) {
        voice_lock(card->voice);
        lay_ahead(card, card->position, written(card));
        voice_unlock(card->voice);
    }
    return card->voice != NULL;
}

/* The stream is over where it stands now. */
static void end_now(Card *card) {
    Voice *voice = card->running ? card->voice : NULL;
    if (voice)
        voice_lock(voice);
    advance(card); /* what has sounded by now has sounded; the rest never will */
    card->running = false;
    if (voice) {
        voice_hush(voice, card->first + card->position);
        voice_unlock(voice);
    }
}

/* Frames of a running stream that are written now, `from` to `to`: into the air. What should have sounded by now comes
 * too late: there was silence, in the air and for spk.raw. */
static void sound(Card *card, int64_t from, int64_t to) {
    voice_lock(card->voice);
    int64_t late = frame_at(clocked(card), now_ns()) - card->first;
    for (int64_t frame = from; frame < to && frame < late; frame++)
        memset(card->ring + frame % (int64_t)card->io.buffer_size * card->channels, 0, card->channels * sizeof(int16_t));
    lay_ahead(card, from, to);
    voice_unlock(card->voice);
}

/* ---- ends of a stream that nobody asked for ---- */

/* 0, or why the stream is over: the cable is out, or frames were lost. ALSA must find the state already set when
 * it learns of it by poll, or it calls it an I/O error. */
static int broken(Card *card) {
    if (unplugged(card)) {
        if (card->running)
            end_now(card);
        snd_pcm_ioplug_set_state(&card->io, SND_PCM_STATE_DISCONNECTED);
        return -ENODEV;
    }
    if (card->running && !draining(card) && available(card) > (int64_t)card->io.buffer_size) {
        __atomic_fetch_add(&card->end[XRUNS], 1, __ATOMIC_SEQ_CST);
        end_now(card);
        snd_pcm_ioplug_set_state(&card->io, SND_PCM_STATE_XRUN);
    }
    return card->io.state == SND_PCM_STATE_XRUN ? -EPIPE : 0;
}

/* ---- waking the program ---- */

static void wake_at(const Card *card, int64_t ns) { /* 0: not at all */
    struct itimerspec when = {.it_value = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}};
    timerfd_settime(card->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void arm(const Card *card) {
    const int64_t at_once = 1;
    int64_t missing = wanted(card) - available(card);
    if (missing <= 0 || unplugged(card))
        wake_at(card, at_once);
    else
        wake_at(card, card->running ? ns_of(clocked(card), card->first + card->position + missing) : 0);
}

/* ---- what the mixer does to it ---- */

/* Into the ring, as loud as the mixer is now; at its loudest, sample by sample what was given. */
static void write_loud(const Card *card, int16_t *ring, const int16_t *given, snd_pcm_uframes_t frames) {
    int64_t lowered = card->ctl[CTL_MIXER + LOWERED];
    bool off = card->ctl[CTL_MIXER + OFF] != 0;
    size_t count = frames * card->channels;
    if (!off && lowered <= 0) {
        memcpy(ring, given, count * sizeof(int16_t));
        return;
    }
    float gain = off ? 0 : powf(10, -(float)lowered / 40);
    for (size_t at = 0; at < count; at++)
        ring[at] = (int16_t)lrintf(gain * given[at]);
}

/* ---- what ALSA calls ---- */

static int card_prepare(snd_pcm_ioplug_t *io) {
    Card *card = io->private_data;
    if (unplugged(card))
        return -ENODEV;
    if (plays(card)) {
        int16_t *ring = realloc(card->ring, io->buffer_size * card->channels * sizeof(int16_t));
        if (!ring)
            return -ENOMEM;
        card->ring = ring;
    }
    card->running = false;
    card->position = card->sounded = 0;
    if (!card->avail_min)
        card->avail_min = io->period_size;
    arm(card);
    return 0;
}

static int card_start(snd_pcm_ioplug_t *io) {
    Card *card = io->private_data;
    if (unplugged(card))
        return -ENODEV;
    bool heard = plays(card) && voiced(card);
    if (heard)
        voice_lock(card->voice);
    card->first = frame_at(clocked(card), now_ns());
    if (heard) {
        lay_ahead(card, 0, written(card));
        voice_unlock(card->voice);
    }
    card->end[FIRST_FRAME] = card->end[END_FRAME] = card->first;
    __atomic_fetch_add(&card->end[STARTS], 1, __ATOMIC_SEQ_CST);
    card->running = true;
    arm(card);
    return 0;
}

static int card_stop(snd_pcm_ioplug_t *io) {
    Card *card = io->private_data;
    end_now(card);
    wake_at(card, 0);
    return 0;
}

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *io) {
    Card *card = io->private_data;
    advance(card);
    int error = broken(card);
    if (error)
        return error;
    /* While it drains, the card passes what was written: all of it has been played, which is what was asked for. */
    bool over = plays(card) && card->position > written(card);
    return (snd_pcm_sframes_t)(over ? written(card) : card->position);
}

static int card_delay(snd_pcm_ioplug_t *io, snd_pcm_sframes_t *delay) {
    Card *card = io->private_data;
    if (unplugged(card))
        return -ENODEV;
    advance(card);
    int64_t frames = plays(card) ? written(card) - card->position : card->position - written(card);
    *delay = (snd_pcm_sframes_t)frames;
    return 0;
}

/* Every transfer begins at appl_ptr: ALSA moves it afterwards, and with mmap asks for the same frames again. */
static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                       snd_pcm_uframes_t offset, snd_pcm_uframes_t size) {
    Card *card = io->private_data;
    if (unplugged(card))
        return -ENODEV;
    size_t frame_bytes = card->channels * sizeof(int16_t);
    char *samples = (char *)areas->addr + (areas->first + areas->step * offset) / 8;
    if (plays(card)) {
        for (snd_pcm_uframes_t done = 0; done < size;) {
            snd_pcm_uframes_t slot = (io->appl_ptr + done) % io->buffer_size, part = io->buffer_size - slot;
            if (part > size - done)
                part = size - done;
            write_loud(card, card->ring + slot * card->channels, (int16_t *)(samples + done * frame_bytes), part);
            done += part;
        }
        if (card->running && voiced(card))
            sound(card, written(card), written(card) + (int64_t)size);
    } else { /* nothing has been said beyond the end of the file: silence */
        memset(samples, 0, size * frame_bytes);
        if (pread(card->file, samples, size * frame_bytes, (card->first + written(card)) * (off_t)frame_bytes) < 0)
            return -EIO;
        if (card->hearing || (card->hearing = hearing_open(card->room, card->ctl, card->rate)))
            hearing_add(card->hearing, (int16_t *)samples, card->channels, card->first + written(card), (int64_t)size);
    }
    return (snd_pcm_sframes_t)size;
}

static int card_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params) {
    Card *card = io->private_data;
    return snd_pcm_sw_params_get_avail_min(params, &card->avail_min);
}

static int card_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned count, unsigned short *events) {
    Card *card = io->private_data;
    unsigned short ready = plays(card) ? POLLOUT : POLLIN;
    (void)fds, (void)count;
    advance(card);
    *events = 0;
    if (broken(card))
        *events = ready | POLLERR | (unplugged(card) ? POLLHUP : 0);
    else if (available(card) >= wanted(card))
        *events = ready;
    else
        arm(card);
    return 0;
}

static void release(Card *card) {
    voice_close(card->voice);
    hearing_close(card->hearing);
    if (card->timer >= 0)
        close(card->timer);
    if (card->file >= 0)
        close(card->file);
    if (card->ctl)
        munmap(card->ctl, CTL_BYTES);
    free(card->ring);
    free(card->room);
    free(card);
}

static int card_close(snd_pcm_ioplug_t *io) {
    release(io->private_data);
    return 0;
}

static const snd_pcm_ioplug_callback_t CALLBACKS = {
    .prepare = card_prepare,     .start = card_start,
    .stop = card_stop,           .pointer = card_pointer,
    .delay = card_delay,         .transfer = card_transfer,
    .sw_params = card_sw_params, .poll_revents = card_poll_revents,
    .close = card_close,
};

/* ---- opening ---- */

static int open_room(Card *card, const char *room, bool speaker) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/ctl", room);
    int ctl = open(path, O_RDWR | O_CLOEXEC);
    if (ctl < 0)
        return -ENODEV;
    void *page = mmap(NULL, CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ctl, 0);
    close(ctl);
    if (page == MAP_FAILED)
        return -ENODEV;
    card->ctl = page;
    card->end = card->ctl + (speaker ? CTL_SPK : CTL_MIC);
    if (card->ctl[CTL_LAYOUT] != LAYOUT) {
        SNDERR("antiphon: %s is of another version than this library; run: make card", path);
        return -EINVAL;
    }
    if (unplugged(card))
        return -ENODEV;
    snprintf(path, sizeof path, "%s/%s.raw", room, speaker ? "spk" : "mic");
    card->file = open(path, (speaker ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (card->file < 0 || card->timer < 0)
        return -ENODEV;
    card->room = strdup(room);
    if (!card->room)
        return -ENOMEM;
    flock(card->file, LOCK_SH); /* the mark of an open device; it ends with the process, however that ends */
    return 0;
}

static int constrain(Card *card) {
    static const unsigned accesses[] = {SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED};
    static const unsigned formats[] = {SND_PCM_FORMAT_S16_LE};
    unsigned frame_bytes = card->channels * (unsigned)sizeof(int16_t);
    snd_pcm_ioplug_t *io = &card->io;
    int error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, accesses);
    if (!error)
        error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, formats);
    if (!error)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, card->channels, card->channels);
    if (!error)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, card->rate, card->rate);
    if (!error)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 32 * frame_bytes, 32768 * frame_bytes);
    if (!error)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
    if (!error)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES,
                                                (unsigned)card->least * frame_bytes, 131072 * frame_bytes);
    return error;
}

/* pcm.NAME { type antiphon, room "/a/directory", end "mic" or "spk", rate 16000, channels 1, buffer 64 } */
SND_PCM_PLUGIN_DEFINE_FUNC(antiphon) {
    const char *room = NULL, *end = NULL;
    long rate = 0, channels = 1, least = 64;
    snd_config_iterator_t at, next;
    (void)root;
    snd_config_for_each(at, next, conf) {
        snd_config_t *entry = snd_config_iterator_entry(at);
        const char *key;
        int error = snd_config_get_id(entry, &key);
        if (!error && !strcmp(key, "room"))
            error = snd_config_get_string(entry, &room);
        else if (!error && !strcmp(key, "end"))
            error = snd_config_get_string(entry, &end);
        else if (!error && !strcmp(key, "rate"))
            error = snd_config_get_integer(entry, &rate);
        else if (!error && !strcmp(key, "channels"))
            error = snd_config_get_integer(entry, &channels);
        else if (!error && !strcmp(key, "buffer"))
            error = snd_config_get_integer(entry, &least);
        if (error < 0)
            return error;
    }
    bool speaker = end && !strcmp(end, "spk");
    if (!room || !end || (!speaker && strcmp(end, "mic")) || rate < 1 || channels < 1 || channels > MAX_CHANNELS) {
        SNDERR("antiphon: a pcm needs room, end (mic or spk), rate, and 1 to %d channels", MAX_CHANNELS);
        return -EINVAL;
    }
    if (least < 64 || least > 65536) {
        SNDERR("antiphon: the buffer of a pcm has 64 to 65536 frames at the least");
        return -EINVAL;
    }
    if (speaker != (stream == SND_PCM_STREAM_PLAYBACK))
        return -EINVAL; /* a microphone cannot play; without a word, for programs try this of every device */

    Card *card = calloc(1, sizeof *card);
    if (!card)
        return -ENOMEM;
    card->file = card->timer = -1;
    card->rate = (unsigned)rate;
    card->channels = (unsigned)channels;
    card->least = (snd_pcm_uframes_t)least;
    int error = open_room(card, room, speaker);
    if (error < 0) {
        release(card);
        return error;
    }
    card->io.version = SND_PCM_IOPLUG_VERSION;
    card->io.name = speaker ? "Antiphon simulated speaker" : "Antiphon simulated microphone";
    card->io.flags = SND_PCM_IOPLUG_FLAG_BOUNDARY_WA; /* the hardware pointer counts on, and is not wrapped */
    card->io.poll_fd = card->timer;
    card->io.poll_events = POLLIN;
    card->io.callback = &CALLBACKS;
    card->io.private_data = card;
    error = snd_pcm_ioplug_create(&card->io, name, stream, mode);
    if (error < 0) {
        release(card);
        return error;
    }
    error = constrain(card);
    if (error < 0) {
        snd_pcm_ioplug_delete(&card->io); /* calls card_close */
        return error;
    }
    __atomic_fetch_add(&card->end[OPENS], 1, __ATOMIC_SEQ_CST);
    *pcmp = card->io.pcm;
    return 0;
}
SND_PCM_PLUGIN_SYMBOL(antiphon);
