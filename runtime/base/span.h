//===- span.h - A view of adjacent records ----------------------*- C++ -*-===//

#ifndef QUANTRT_BASE_SPAN_H
#define QUANTRT_BASE_SPAN_H

#include <cstddef>

namespace qrt {

/// What std::span is in C++20.
template <typename T> struct Span {
  T *data = nullptr;
  size_t size = 0;

  T *begin() const { return data; }
  T *end() const { return data + size; }
  T &operator[](size_t index) const { return data[index]; }
  bool empty() const { return size == 0; }
};

} // namespace qrt

#endif // QUANTRT_BASE_SPAN_H
