/* The ctl page that the card shares with whoever runs the room, and the clocks on it. README.md has it in words. */
#pragma once
#include <stdint.h>
#include <time.h>

/* int64, native byte order. One layout word, then a block for each end of the card, one for the air between, and one
 * for the mixer. */
enum { CTL_LAYOUT = 0, CTL_MIC = 16, CTL_SPK = 48, CTL_AIR = 80, CTL_MIXER = 160, CTL_BYTES = 4096 };
enum { LAYOUT = 2 }; /* counts up when a word changes its meaning, so that an old library is refused */

/* One end's block. (room) is written by the room alone, (card) by the card alone. */
enum {
    UNPLUGGED_NS, /* (room) 0: plugged in; else CLOCK_MONOTONIC of the moment at which the cable was pulled */
    CLOCKS,       /* (room) how many clocks have been set; clock n lies in slot n % CLOCK_SLOTS, the last one is valid */
    CLOCK_0,      /* (room) the slots, see CLOCK_* */
    OPENS = CLOCK_0 + 12, /* (card) how often the end was opened; probing for devices opens it too */
    STARTS,               /* (card) how often a stream began to run */
    XRUNS,                /* (card) overflows of the microphone, underflows of the speaker */
    FIRST_FRAME,          /* (card) where on the timeline the last stream began */
    END_FRAME,            /* (card) mic: the frame after the last one taken; spk: after the last one laid into spk.raw */
};

/* A clock: at CLOCK_NS it showed CLOCK_FRAME, and it runs CLOCK_PPM too fast. */
enum { CLOCK_NS, CLOCK_FRAME, CLOCK_PPM, CLOCK_WORDS, CLOCK_SLOTS = 4 };

/* The air's block, written by the room alone. */
enum {
    PLACES,   /* how many places of the microphone have been set; 0: the room carries no sound. Place n: slot n % PLACE_SLOTS */
    SPK_RATE, /* in Hz */
    PLACE_0,  /* the slots, see PLACE_* */
};

/* A place: from the microphone's frame PLACE_FROM on, the echo is response-N.f32, delayed and soft clipped. */
enum {
    PLACE_FROM,
    PLACE_TAPS,  /* length of the response; 0: there is no echo */
    PLACE_DELAY, /* frames of the microphone */
    PLACE_LIMIT, /* soft clipping: millionths of full scale; 0: none */
    PLACE_WORDS,
    PLACE_SLOTS = 16
};

/* The mixer's block; all zero is as loud as it can be. Both may write the first two. */
enum {
    LOWERED, /* half decibels below full scale, 0 to MIXER_STEPS */
    OFF,     /* 1: silent, whatever the volume is */
    WRITES,  /* (card) how often a program has set one of them */
    MIXER_STEPS = 128
};

/* An end's block, and what it counts in. */
typedef struct {
    volatile int64_t *end;
    unsigned rate;
} Clocked;

/* Integers throughout, so that the room computes the very same frame. */
__extension__ typedef __int128 Wide;
static const Wide TICKS_PER_FRAME_SECOND = (Wide)1000000000 * 1000000; /* ns a second, times millionths */

static inline int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline int64_t clocks_set(Clocked of) { return __atomic_load_n(&of.end[CLOCKS], __ATOMIC_ACQUIRE); }

/* Clock n: good for the valid one and the two before it; a fourth may be in the writing. */
static inline const volatile int64_t *clock_number(Clocked of, int64_t n) {
    return of.end + CLOCK_0 + CLOCK_WORDS * (n % CLOCK_SLOTS);
}

static inline Wide speed(Clocked of, const volatile int64_t *clock) { return (Wide)of.rate * (1000000 + clock[CLOCK_PPM]); }

static inline int64_t frame_at(Clocked of, int64_t ns) {
    const volatile int64_t *clock = clock_number(of, clocks_set(of) - 1);
    return clock[CLOCK_FRAME] + (int64_t)((ns - clock[CLOCK_NS]) * speed(of, clock) / TICKS_PER_FRAME_SECOND);
}

/* The first nanosecond at which the clock shows `frame`. */
static inline int64_t ns_of(Clocked of, int64_t frame) {
    const volatile int64_t *clock = clock_number(of, clocks_set(of) - 1);
    Wide per_second = speed(of, clock);
    Wide ticks = (frame - clock[CLOCK_FRAME]) * TICKS_PER_FRAME_SECOND;
    return clock[CLOCK_NS] + (int64_t)((ticks + per_second - 1) / per_second);
}
