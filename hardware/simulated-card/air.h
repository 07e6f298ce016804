/* The air between the speaker and the microphone, when the room has acoustics.
 *
 * What the speaker plays lies in a shared file ahead of the clock, and is cut off there when it is dropped; what the
 * microphone takes is computed from it by position. One lock makes both of one order: whoever reads up to now under
 * the lock has read what really sounds, however late a process runs.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden) /* ALSA loads us into programs with names of their own */

/* ---- the speaker's side ---- */

typedef struct Voice Voice;

/* A stream's own place in the air, which ends with the process, however that ends. NULL: the room carries no sound
 * (that is cheap to ask), or something is wrong with it. */
Voice *voice_open(const char *room, int64_t *ctl, unsigned rate);
void voice_lock(Voice *voice);
void voice_unlock(Voice *voice);

/* Under the lock: `count` frames will sound from the timeline's frame `at` on, and nothing after them. The first of
 * `channels` interleaved channels is what is heard. */
void voice_lay(Voice *voice, const int16_t *samples, unsigned channels, int64_t at, int64_t count);

/* Under the lock: nothing sounds from frame `at` on. */
void voice_hush(Voice *voice, int64_t at);
void voice_close(Voice *voice);

/* ---- the microphone's side ---- */

typedef struct Hearing Hearing;

/* NULL as above. */
Hearing *hearing_open(const char *room, int64_t *ctl, unsigned rate);

/* Add the echo to `count` frames, from the timeline's frame `first` on, of `channels` interleaved channels. They must
 * not lie in the future. The echo alone goes to echo.raw. */
void hearing_add(Hearing *hearing, int16_t *samples, unsigned channels, int64_t first, int64_t count);
void hearing_close(Hearing *hearing);

#pragma GCC visibility pop
