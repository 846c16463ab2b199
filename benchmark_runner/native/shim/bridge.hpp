/* Between plain bytes and the arguments of a C++ function. Appended to the file under test. */
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

extern "C" {
void *hasten_make(const unsigned char *data);
void hasten_call(void *arguments);
void hasten_show(void *arguments);
void hasten_label(const char *label, int number);
void hasten_integer(long long value);
void hasten_natural(unsigned long long value);
void hasten_real(double value, int is_float);
void hasten_bytes(const char *data, std::size_t size);
}

namespace hasten_bridge {

template <class T> T taken(const unsigned char *&data) {
  double real;
  long long whole;
  std::memcpy(&real, data, 8);
  std::memcpy(&whole, data, 8);
  data += 8;
  if (std::is_floating_point<T>::value) return static_cast<T>(real);
  return static_cast<T>(whole);
}

inline std::size_t counted(const unsigned char *&data) {
  unsigned long long size;
  std::memcpy(&size, data, 8);
  data += 8;
  return static_cast<std::size_t>(size);
}

inline void skip(const unsigned char *&data, std::size_t size) { data += (size + 7) / 8 * 8; }

template <class T> void show(T value) {
  if (std::is_floating_point<T>::value)
    hasten_real(static_cast<double>(value), sizeof(T) == 4);
  else if (std::is_unsigned<T>::value)
    hasten_natural(static_cast<unsigned long long>(value));
  else
    hasten_integer(static_cast<long long>(value));
}
inline void show(const std::string &value) { hasten_bytes(value.data(), value.size()); }
template <class T> void show(const std::vector<T> &value) {
  hasten_natural(value.size());
  for (std::size_t at = 0; at < value.size(); at++) show(static_cast<T>(value[at]));
}
template <class A, class B> void show(const std::pair<A, B> &value) {
  show(value.first);
  show(value.second);
}

/* An argument of type T: how it is made from bytes, passed, and shown after the call. */
template <class T> struct Slot {
  typename std::remove_cv<T>::type value;
  void make(const unsigned char *&data) { value = taken<typename std::remove_cv<T>::type>(data); }
  T pass() { return value; }
  void tell() const { show(value); }
};
template <class T> struct Slot<T *> {
  typedef typename std::remove_cv<T>::type Item;
  Item *items;
  std::size_t size;
  void make(const unsigned char *&data) {
    size = counted(data);
    items = static_cast<Item *>(std::malloc(size * sizeof(Item)));
    if (size) std::memcpy(static_cast<void *>(items), data, size * sizeof(Item));
    skip(data, size * sizeof(Item));
  }
  T *pass() { return items; }
  void tell() const {
    if (std::is_same<Item, char>::value) {
      hasten_bytes(reinterpret_cast<const char *>(items), size);
      return;
    }
    for (std::size_t at = 0; at < size; at++) show(items[at]);
  }
};
template <class T> struct Slot<std::vector<T>> {
  std::vector<T> value;
  void make(const unsigned char *&data) {
    std::size_t size = counted(data);
    value.reserve(size);
    for (std::size_t at = 0; at < size; at++) {
      T item;
      std::memcpy(static_cast<void *>(&item), data + at * sizeof(T), sizeof(T));
      value.push_back(item);
    }
    skip(data, size * sizeof(T));
  }
  std::vector<T> &pass() { return value; }
  void tell() const { show(value); }
};
template <> struct Slot<std::string> {
  std::string value;
  void make(const unsigned char *&data) {
    std::size_t size = counted(data);
    value.assign(reinterpret_cast<const char *>(data), size);
    skip(data, size);
  }
  std::string &pass() { return value; }
  void tell() const { show(value); }
};
template <class T> struct Slot<const std::vector<T>> : Slot<std::vector<T>> {};
template <> struct Slot<const std::string> : Slot<std::string> {};
template <class T> struct Slot<T &> : Slot<T> {
  T &pass() { return this->value; }
};

}  // namespace hasten_bridge
