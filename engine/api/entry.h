// The way in from C: every exported function is a `guarded` call. Nothing is thrown across, the
// floating-point mode is ours inside and the caller's again outside, and errors become a status and
// a text in the caller's buffer.
#pragma once

#include <cstddef>
#include <cstring>
#include <exception>
#include <new>

#include "engine/api/float_mode.h"
#include "engine/config/user_error.h"
#include "include/spikelane/spikelane.h"

namespace spikelane {

/// The caller's buffer for the error text.
class ErrorText {
 public:
  ErrorText(char* text, std::size_t size) : text_(text), size_(text ? size : 0) {
    if (size_ > 0) text_[0] = '\0';
  }
  /// Writes what fits and gives the status back. Allocates nothing.
  __attribute__((format(printf, 3, 4))) spikelane_status fail(spikelane_status status,
                                                              const char* format, ...) const;

 private:
  char* text_;
  std::size_t size_;
};

/// Keeps the problems for spikelane_read_problems on this thread.
void keep_problems(const UserError& failure) noexcept;

template <class Body>
spikelane_status guarded(char* error, std::size_t error_size, const Body& body) noexcept {
  const ErrorText text(error, error_size);
  const FloatMode mode;
  try {
    return body(text);
  } catch (const UserError& failure) {
    keep_problems(failure);
    return text.fail(SPIKELANE_ERROR_INPUT, "%s", failure.what());
  } catch (const RunError& failure) {
    return text.fail(SPIKELANE_ERROR_NOT_FINITE, "%s", failure.what());
  } catch (const std::bad_alloc&) {
    return text.fail(SPIKELANE_ERROR_MEMORY, "not enough memory");
  } catch (const std::exception& failure) {
    return text.fail(SPIKELANE_ERROR_INTERNAL, "%s", failure.what());
  } catch (...) {
    return text.fail(SPIKELANE_ERROR_INTERNAL, "an unknown exception");
  }
}

/// Reads a structure of the caller's over `options`, which holds the defaults. Its first member is
/// the size that the caller's header gave it: an older, shorter one leaves defaults, a longer one
/// is an error. Null leaves them all.
template <class Struct>
spikelane_status read_struct(const ErrorText& text, const char* name, const Struct* given,
                             Struct& options) {
  if (given == nullptr) return SPIKELANE_OK;
  if (given->struct_size < 2 * sizeof(std::size_t) || given->struct_size > sizeof(Struct))
    return text.fail(SPIKELANE_ERROR_VERSION,
                     "%s.struct_size: found %zu; allowed: %zu, which this library knows, or less",
                     name, given->struct_size, sizeof(Struct));
  std::memcpy(&options, given, given->struct_size);
  return SPIKELANE_OK;
}

/// Writes as much of `filled` as the caller's structure holds; its struct_size stays.
template <class Struct>
spikelane_status write_struct(const ErrorText& text, const char* name, Struct filled,
                              Struct* given) {
  if (given == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "%s: found NULL", name);
  if (given->struct_size < 2 * sizeof(std::size_t) || given->struct_size > sizeof(Struct))
    return text.fail(SPIKELANE_ERROR_VERSION,
                     "%s.struct_size: found %zu; allowed: %zu, which this library knows, or less",
                     name, given->struct_size, sizeof(Struct));
  filled.struct_size = given->struct_size;
  std::memcpy(given, &filled, given->struct_size);
  return SPIKELANE_OK;
}

}  // namespace spikelane
