/* Between plain bytes and the arguments of a C function. Appended to the file under test. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *hasten_make(const unsigned char *data);
void hasten_call(void *arguments);
void hasten_show(void *arguments);
void hasten_label(const char *label, int number);
void hasten_integer(long long value);
void hasten_natural(unsigned long long value);
void hasten_real(double value, int is_float);
void hasten_bytes(const char *data, size_t size);

static void hasten_show_float(float x) { hasten_real(x, 1); }
static void hasten_show_double(double x) { hasten_real(x, 0); }
static void hasten_show_signed(long long x) { hasten_integer(x); }
static void hasten_show_unsigned(unsigned long long x) { hasten_natural(x); }

#define HASTEN_SHOW(x)                                                                            \
  _Generic((x),                                                                                   \
      float: hasten_show_float, double: hasten_show_double, _Bool: hasten_show_unsigned,           \
      unsigned char: hasten_show_unsigned, unsigned short: hasten_show_unsigned,                   \
      unsigned int: hasten_show_unsigned, unsigned long: hasten_show_unsigned,                     \
      unsigned long long: hasten_show_unsigned, default: hasten_show_signed)(x)

/* A scalar lies in 8 bytes: a double for real types, else an integer. */
#define HASTEN_TAKE(T, target)                                                                    \
  do {                                                                                            \
    double real_;                                                                                 \
    long long whole_;                                                                             \
    memcpy(&real_, data, 8);                                                                      \
    memcpy(&whole_, data, 8);                                                                     \
    data += 8;                                                                                    \
    target = _Generic((T)0, float: (T)real_, double: (T)real_, default: (T)whole_);               \
  } while (0)

static const unsigned char *hasten_array(
    const unsigned char *data, size_t width, void **place, size_t *count) {
  unsigned long long size;
  memcpy(&size, data, 8);
  *count = (size_t)size;
  *place = malloc(size * width); /* exactly as large as it is: sanitizers guard its ends */
  if (size) memcpy(*place, data + 8, size * width);
  return data + 8 + (size * width + 7) / 8 * 8;
}
