/* Calls a function so often on one input, and tells what it did. Built beside the file under test,
 * which defines hasten_make, hasten_call and hasten_show (see signature.py).
 *
 * Standard input: calls (8 bytes), copies (8 bytes), 1 to show values or, for a digest, twice the
 * number of the copy that is looked at beside the first (8 bytes), and the arguments. Arguments are
 * copied before the calls, so that a function that changes them finds fresh ones; without calls the
 * same is done but for them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif
void *hasten_make(const unsigned char *data);
void hasten_call(void *arguments);
void hasten_show(void *arguments);
void hasten_label(const char *label, int number);
void hasten_integer(long long value);
void hasten_natural(unsigned long long value);
void hasten_real(double value, int is_float);
void hasten_bytes(const char *data, size_t size);
#ifdef __cplusplus
}
#endif

static int shown = 1;
static uint64_t digest;

static void mix(const void *data, size_t size) {
  const unsigned char *bytes = (const unsigned char *)data;
  uint64_t word = 0;
  memcpy(&word, bytes, size < 8 ? size : 8);
  digest = (digest ^ word) * 1099511628211ull;
  digest ^= digest >> 29;
}

void hasten_label(const char *label, int number) {
  if (shown) printf(number < 0 ? "\n%s" : "\n%s %d", label, number);
}

void hasten_integer(long long value) {
  if (shown) printf(" %lld", value);
  else mix(&value, sizeof value);
}

void hasten_natural(unsigned long long value) {
  if (shown) printf(" %llu", value);
  else mix(&value, sizeof value);
}

void hasten_real(double value, int is_float) {
  if (value != value) value = __builtin_nan(""); /* one nan is as good as another */
  if (!shown) mix(&value, sizeof value);
  else if (value != value) printf(" nan");
  else printf(is_float ? " %.9g" : " %.17g", value);
}

void hasten_bytes(const char *data, size_t size) {
  if (!shown) {
    size_t at;
    for (at = 0; at < size; at += 8) mix(data + at, size - at < 8 ? size - at : 8);
    mix(&size, sizeof size);
    return;
  }
  printf(" \"");
  for (size_t at = 0; at < size; at++) {
    unsigned char c = (unsigned char)data[at];
    if (c == '"' || c == '\\' || c < 32 || c > 126) printf("\\x%02x", c);
    else putchar(c);
  }
  printf("\"");
}

static unsigned char *all_input(void) {
  size_t room = 1 << 16, size = 0;
  unsigned char *data = (unsigned char *)malloc(room);
  while (data) {
    size_t got = fread(data + size, 1, room - size, stdin);
    size += got;
    if (size < room) return data;
    room *= 2;
    data = (unsigned char *)realloc(data, room);
  }
  abort();
}

static uint64_t word(const unsigned char *data) {
  uint64_t value;
  memcpy(&value, data, sizeof value);
  return value;
}

int main(void) {
  unsigned char *data = all_input();
  uint64_t calls = word(data), copies = word(data + 8), other = word(data + 16) / 2, at;
  void (*volatile function)(void *) = hasten_call; /* no call is moved out of the loop */
  void **made = (void **)malloc(sizeof *made * copies);
  shown = word(data + 16) == 1;
  for (at = 0; at < copies; at++) made[at] = hasten_make(data + 24);
  for (at = 0; at < calls; at++) function(made[at % copies]);
  hasten_show(made[0]);
  if (copies > 1) {
    uint64_t first = digest;
    digest = 0;
    hasten_show(made[other % copies]);
    if (calls == copies && first != digest) printf("a later call gave something else\n");
    digest = first;
  }
  if (!shown) printf("%llx", (unsigned long long)digest);
  putchar('\n');
  return 0;
}
