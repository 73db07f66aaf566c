/* tests/fuzz/fuzz.h: what a fuzzer is, to libFuzzer and to replay.c. */
#ifndef GW_TESTS_FUZZ_FUZZ_H
#define GW_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Tries one input. What must not be, ends the process. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Ends the process, so that the input is kept, unless `held`. */
void fuzz_expect(int held, const char *what);

#endif
