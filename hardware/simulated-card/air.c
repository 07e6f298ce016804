#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "air.h"
#include "room.h"

#include <alsa/asoundlib.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- the file `air`: a head and a ring of frames for each voice ---- */

enum { VOICES = 4, HEAD_BYTES = 4096, RING = 1 << 18, AIR_BYTES = HEAD_BYTES + VOICES * RING * (int)sizeof(int16_t) };
/* Frame n of the speaker's timeline lies at n % RING, for the RING frames before HEAD_END; after it there is silence.
 * RING holds the largest buffer of a stream, and seconds of the past. */

/* A voice's head. Byte 0 of the file is the lock of it all, and byte 1 + n is locked by who is voice n. */
enum { HEAD_END, HEAD_RUNS, HEAD_WORDS };

typedef struct {
    int file;
    char *map;
} Air;

static int64_t *head(const Air *air, int voice) { return (int64_t *)air->map + HEAD_WORDS * voice; }

static int16_t *ring(const Air *air, int voice) { return (int16_t *)(air->map + HEAD_BYTES) + (int64_t)voice * RING; }

/* OFD locks end with the open file: with the process, and with an exec. */
static int lock_byte(const Air *air, int command, short type, off_t byte) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int error;
    do
        error = fcntl(air->file, command, &lock);
    while (error < 0 && errno == EINTR);
    return error < 0 ? -1 : lock.l_type;
}

static void lock_air(const Air *air) { lock_byte(air, F_OFD_SETLKW, F_WRLCK, 0); }

static void unlock_air(const Air *air) { lock_byte(air, F_OFD_SETLK, F_UNLCK, 0); }

static bool open_air(Air *air, const char *room) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/air", room);
    air->map = MAP_FAILED;
    air->file = open(path, O_RDWR | O_CLOEXEC);
    if (air->file >= 0)
        air->map = mmap(NULL, AIR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, air->file, 0);
    if (air->map == MAP_FAILED)
        SNDERR("antiphon: cannot open %s: %s", path, strerror(errno));
    return air->map != MAP_FAILED;
}

static void close_air(Air *air) {
    if (air->map != MAP_FAILED)
        munmap(air->map, AIR_BYTES);
    if (air->file >= 0)
        close(air->file);
}

static int64_t places_set(const int64_t *ctl) { return __atomic_load_n(&ctl[CTL_AIR + PLACES], __ATOMIC_ACQUIRE); }

/* Under the lock: what a program was about to play when it died has not sounded. */
static void bury(const Air *air, int voice, Clocked spk) {
    int64_t *its = head(air, voice), now = frame_at(spk, now_ns());
    its[HEAD_RUNS] = 0;
    if (its[HEAD_END] > now)
        its[HEAD_END] = now;
}

/* ---- the speaker's side ---- */

struct Voice {
    Air air;
    int number;
};

Voice *voice_open(const char *room, int64_t *ctl, unsigned rate) {
    if (!places_set(ctl))
        return NULL;
    Clocked spk = {ctl + CTL_SPK, rate};
    Voice *voice = calloc(1, sizeof *voice);
    if (!voice)
        return NULL;
    if (open_air(&voice->air, room)) {
        for (voice->number = 0; voice->number < VOICES; voice->number++) {
            if (lock_byte(&voice->air, F_OFD_SETLK, F_WRLCK, 1 + voice->number) < 0)
                continue;
            lock_air(&voice->air);
            if (head(&voice->air, voice->number)[HEAD_RUNS])
                bury(&voice->air, voice->number, spk);
            unlock_air(&voice->air);
            return voice;
        }
        SNDERR("antiphon: no more than %d programs are heard by the microphone at a time", VOICES);
    }
    voice_close(voice);
    return NULL;
}

void voice_close(Voice *voice) {
    if (!voice)
        return;
    close_air(&voice->air);
    free(voice);
}

void voice_lock(Voice *voice) { lock_air(&voice->air); }

void voice_unlock(Voice *voice) { unlock_air(&voice->air); }

void voice_lay(Voice *voice, const int16_t *samples, unsigned channels, int64_t at, int64_t count) {
    int64_t *its = head(&voice->air, voice->number);
    int16_t *sound = ring(&voice->air, voice->number);
    for (int64_t gap = its[HEAD_END] > at - RING ? its[HEAD_END] : at - RING; gap < at; gap++)
        if (gap >= 0)
            sound[gap % RING] = 0;
    for (int64_t i = 0; i < count; i++)
        sound[(at + i) % RING] = samples[i * channels];
    its[HEAD_END] = at + count;
    its[HEAD_RUNS] = 1;
}

void voice_hush(Voice *voice, int64_t at) {
    int64_t *its = head(&voice->air, voice->number);
    if (its[HEAD_END] > at)
        its[HEAD_END] = at;
    its[HEAD_RUNS] = 0;
}

/* ---- the microphone's side ---- */

/* The interpolator between the clocks, as in acoustics.py: a windowed sinc (Blackman). */
enum { CROSSINGS = 24, PHASES = 256 };
static const double CUTOFF = 0.92;

enum { CHUNK = 512 }; /* frames of the microphone that are worked on at a time */

struct Hearing {
    Air air;
    char room[PATH_MAX];
    int64_t *ctl;
    Clocked mic, spk;
    int echo_file;
    int half;      /* what the interpolator sees on each side, in frames of the speaker */
    float *table;  /* PHASES + 1 rows of 2 * half */
    float *played; /* what a chunk needs of what was played; played_room frames */
    int64_t played_room;
    int64_t least, reach; /* LEAST_DELAY_MS and REACH_MS of acoustics.py, in frames of the microphone */
    float *carried;       /* what was played, on the microphone's clock: frames base to known; 4 * reach of room */
    int64_t base, known;
    int64_t loud_end; /* after the last carried frame that is not silence */
    int64_t place;    /* which place's response is in `taps`; -1: none */
    float *taps;      /* backwards */
};

static void make_table(Hearing *hearing) {
    double wider = hearing->spk.rate > hearing->mic.rate ? (double)hearing->spk.rate / hearing->mic.rate : 1.0;
    double cutoff = CUTOFF / wider;
    float *entry = hearing->table;
    for (int phase = 0; phase <= PHASES; phase++)
        for (int i = 0; i < 2 * hearing->half; i++) {
            double away = i + 1 - hearing->half - (double)phase / PHASES, turn = M_PI * away / (CROSSINGS * wider);
            double window = fabs(turn) < M_PI ? 0.42 + 0.5 * cos(turn) + 0.08 * cos(2 * turn) : 0;
            double sinc = away == 0 ? 1 : sin(M_PI * cutoff * away) / (M_PI * cutoff * away);
            *entry++ = (float)(cutoff * sinc * window);
        }
}

Hearing *hearing_open(const char *room, int64_t *ctl, unsigned rate) {
    if (!places_set(ctl))
        return NULL;
    Hearing *hearing = calloc(1, sizeof *hearing);
    if (!hearing)
        return NULL;
    hearing->ctl = ctl;
    hearing->mic = (Clocked){ctl + CTL_MIC, rate};
    hearing->spk = (Clocked){ctl + CTL_SPK, (unsigned)ctl[CTL_AIR + SPK_RATE]};
    hearing->place = -1;
    hearing->least = rate / 500;
    hearing->reach = rate;
    double ratio = (double)hearing->spk.rate / rate;
    hearing->half = (int)ceil(CROSSINGS * (ratio > 1 ? ratio : 1));
    hearing->played_room = (int64_t)(CHUNK * ratio * 2) + 2 * hearing->half + 4; /* the clocks may differ much */
    hearing->table = malloc(sizeof(float) * (PHASES + 1) * 2 * (size_t)hearing->half);
    hearing->played = malloc(sizeof(float) * (size_t)hearing->played_room);
    hearing->carried = malloc(sizeof(float) * 4 * (size_t)hearing->reach);
    hearing->taps = malloc(sizeof(float) * (size_t)hearing->reach);
    snprintf(hearing->room, sizeof hearing->room, "%s/echo.raw", room);
    hearing->echo_file = open(hearing->room, O_WRONLY | O_CLOEXEC);
    snprintf(hearing->room, sizeof hearing->room, "%s", room);
    if (!open_air(&hearing->air, room) || hearing->echo_file < 0 || !hearing->table || !hearing->played ||
        !hearing->carried || !hearing->taps) {
        hearing_close(hearing);
        return NULL;
    }
    make_table(hearing);
    return hearing;
}

void hearing_close(Hearing *hearing) {
    if (!hearing)
        return;
    close_air(&hearing->air);
    if (hearing->echo_file >= 0)
        close(hearing->echo_file);
    free(hearing->table), free(hearing->played), free(hearing->carried), free(hearing->taps);
    free(hearing);
}

/* Where the speaker's clock stands when the microphone's frame begins. */
static double spk_position(const Hearing *hearing, int64_t frame) {
    Clocked mic = hearing->mic, spk = hearing->spk;
    int64_t valid = clocks_set(mic) - 1, n = valid;
    while (n > 0 && n > valid - 2 && clock_number(mic, n)[CLOCK_FRAME] > frame)
        n--;
    const volatile int64_t *clock = clock_number(mic, n);
    double after_ns = (double)(frame - clock[CLOCK_FRAME]) * 1e15 / (double)speed(mic, clock);
    int64_t ns = clock[CLOCK_NS];
    valid = n = clocks_set(spk) - 1;
    while (n > 0 && n > valid - 2 && (double)(clock_number(spk, n)[CLOCK_NS] - ns) > after_ns)
        n--;
    clock = clock_number(spk, n);
    return (double)clock[CLOCK_FRAME] + ((double)(ns - clock[CLOCK_NS]) + after_ns) * (double)speed(spk, clock) / 1e15;
}

/* The speaker's frames `first` on, of all voices. Returns whether there is any sound. */
static bool gather(Hearing *hearing, int64_t first, int64_t count) {
    const Air *air = &hearing->air;
    memset(hearing->played, 0, sizeof(float) * (size_t)count);
    bool sound = false;
    lock_air(air);
    int64_t pulled = hearing->spk.end[UNPLUGGED_NS];
    int64_t cut = pulled ? frame_at(hearing->spk, pulled) : INT64_MAX;
    for (int voice = 0; voice < VOICES; voice++) {
        int64_t *its = head(air, voice);
        if (its[HEAD_RUNS] && lock_byte(air, F_OFD_GETLK, F_WRLCK, 1 + voice) == F_UNLCK)
            bury(air, voice, hearing->spk);
        int64_t end = its[HEAD_END] < cut ? its[HEAD_END] : cut, from = its[HEAD_END] - RING;
        end = end < first + count ? end : first + count;
        from = from > first ? from : first;
        const int16_t *frames = ring(air, voice);
        for (int64_t at = from < 0 ? 0 : from; at < end; at++) {
            hearing->played[at - first] += (float)frames[at % RING];
            sound |= frames[at % RING] != 0;
        }
    }
    unlock_air(air);
    return sound;
}

/* Put what was played onto the microphone's clock, up to its frame `end`; at most CHUNK frames. */
static void carry(Hearing *hearing, int64_t end) {
    int64_t count = end - hearing->known, half = hearing->half;
    int64_t first = (int64_t)floor(spk_position(hearing, hearing->known)) + 1 - half;
    int64_t last = (int64_t)floor(spk_position(hearing, end - 1)) + half;
    float *carried = hearing->carried + (hearing->known - hearing->base);
    hearing->known = end;
    if (last - first >= hearing->played_room)
        last = first + hearing->played_room - 1;
    if (!gather(hearing, first, last + 1 - first)) {
        memset(carried, 0, sizeof(float) * (size_t)count);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        double position = spk_position(hearing, end - count + i), whole = floor(position);
        float phase = (float)((position - whole) * PHASES);
        int step = phase < PHASES ? (int)phase : PHASES - 1;
        const float *low = hearing->table + (int64_t)step * 2 * half, *high = low + 2 * half;
        int64_t from = (int64_t)whole + 1 - half - first;
        from = from < 0 ? 0 : from > last + 1 - first - 2 * half ? last + 1 - first - 2 * half : from;
        const float *near = hearing->played + from;
        float part = phase - (float)step, a = 0, b = 0;
        for (int64_t k = 0; k < 2 * half; k++)
            a += low[k] * near[k], b += high[k] * near[k];
        carried[i] = a + (b - a) * part;
    }
    hearing->loud_end = end;
}

/* Have `reach` frames carried before `first`, and all that frames up to `end` need. */
static void carry_for(Hearing *hearing, int64_t first, int64_t end) {
    if (first - hearing->reach < hearing->base || first - hearing->reach > hearing->known) {
        hearing->base = hearing->known = first - hearing->reach;
        hearing->loud_end = hearing->base;
    }
    while (hearing->known < end - hearing->least) {
        if (hearing->known - hearing->base + CHUNK > 4 * hearing->reach) {
            int64_t kept = 2 * hearing->reach;
            memmove(hearing->carried, hearing->carried + (hearing->known - hearing->base - kept), sizeof(float) * (size_t)kept);
            hearing->base = hearing->known - kept;
        }
        int64_t stop = hearing->known + CHUNK;
        carry(hearing, stop < end - hearing->least ? stop : end - hearing->least);
    }
}

/* sound[i] = the sum of taps[j] * carried[i + j]. Each sum is made in the same order, wherever a block begins. */
static void convolve(const float *restrict carried, const float *restrict taps, int64_t length, float *restrict sound, int64_t count) {
    int64_t j = 0;
    memset(sound, 0, sizeof(float) * (size_t)count);
    for (; j + 4 <= length; j += 4)
        for (int64_t i = 0; i < count; i++)
            sound[i] += (taps[j] * carried[i + j] + taps[j + 1] * carried[i + j + 1]) +
                        (taps[j + 2] * carried[i + j + 2] + taps[j + 3] * carried[i + j + 3]);
    for (; j < length; j++)
        for (int64_t i = 0; i < count; i++)
            sound[i] += taps[j] * carried[i + j];
}

static const int64_t *place_number(const Hearing *hearing, int64_t n) {
    return hearing->ctl + CTL_AIR + PLACE_0 + PLACE_WORDS * (n % PLACE_SLOTS);
}

/* The number of the place that holds at `frame`, or -1; `end` is moved to where it holds no more. */
static int64_t place_at(const Hearing *hearing, int64_t frame, int64_t *end) {
    int64_t set = places_set(hearing->ctl);
    for (int64_t n = set - 1; n >= 0 && n > set - PLACE_SLOTS; n--) {
        int64_t from = place_number(hearing, n)[PLACE_FROM];
        if (from <= frame)
            return n;
        if (from < *end)
            *end = from;
    }
    return -1;
}

/* Fetch the response of place n, backwards. */
static bool load(Hearing *hearing, int64_t n, int64_t length) {
    if (hearing->place == n)
        return true;
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/response-%lld.f32", hearing->room, (long long)n);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = (ssize_t)sizeof(float) * length;
    bool whole = file >= 0 && length <= hearing->reach && read(file, hearing->taps, (size_t)bytes) == bytes;
    if (file >= 0)
        close(file);
    if (!whole) {
        SNDERR("antiphon: cannot read %s", path);
        return false;
    }
    for (int64_t i = 0; i < length / 2; i++) {
        float tap = hearing->taps[i];
        hearing->taps[i] = hearing->taps[length - 1 - i];
        hearing->taps[length - 1 - i] = tap;
    }
    hearing->place = n;
    return true;
}

static int16_t rounded(float sample) {
    return sample > INT16_MAX ? INT16_MAX : sample < INT16_MIN ? INT16_MIN : (int16_t)lrintf(sample);
}

void hearing_add(Hearing *hearing, int16_t *samples, unsigned channels, int64_t first, int64_t count) {
    float sound[CHUNK];
    int16_t echo[CHUNK];
    for (int64_t done = 0, part; done < count; done += part) {
        int64_t at = first + done, end = first + count < at + CHUNK ? first + count : at + CHUNK;
        int64_t n = place_at(hearing, at, &end);
        part = end - at;
        if (n < 0 || !place_number(hearing, n)[PLACE_TAPS])
            continue;
        const int64_t *place = place_number(hearing, n);
        int64_t length = place[PLACE_TAPS], from = at - place[PLACE_DELAY] - length + 1;
        float limit = (float)place[PLACE_LIMIT] * 32768e-6f;
        carry_for(hearing, at, end);
        if (from >= hearing->loud_end || from < hearing->base || !load(hearing, n, length))
            continue; /* the air is still */
        convolve(hearing->carried + (from - hearing->base), hearing->taps, length, sound, part);
        for (int64_t i = 0; i < part; i++) {
            echo[i] = rounded(limit > 0 ? limit * tanhf(sound[i] / limit) : sound[i]);
            for (unsigned channel = 0; channel < channels; channel++) {
                int16_t *sample = samples + (done + i) * channels + channel;
                *sample = rounded((float)*sample + echo[i]);
            }
        }
        if (pwrite(hearing->echo_file, echo, sizeof(int16_t) * (size_t)part, at * (off_t)sizeof(int16_t)) < 0)
            SNDERR("antiphon: cannot write echo.raw: %s", strerror(errno));
    }
}
