/* tests/fuzz/fuzz.h: Interface of a fuzzer for libFuzzer and replay.c. */
#ifndef GW_TESTS_FUZZ_FUZZ_H
#define GW_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Runs one input. Aborts the process on a failure. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Aborts the process unless `held`, so that the fuzzer keeps the input. */
void fuzz_expect(int held, const char *what);

#endif
