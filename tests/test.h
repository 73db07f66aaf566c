/* tests/test.h: cmocka, and the headers that it needs included before it. */
#ifndef GW_TESTS_TEST_H
#define GW_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
