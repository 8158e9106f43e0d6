#include "engine/api/entry.h"

#include <cstdarg>
#include <cstdio>
#include <vector>

#include "engine/report/problems_json.h"
#include "include/spikelane/train.h"

namespace spikelane {

spikelane_status ErrorText::fail(spikelane_status status, const char* format, ...) const {
  if (size_ > 0) {
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text_, size_, format, arguments);
    va_end(arguments);
  }
  return status;
}

static thread_local std::vector<Problem> last_problems;

void keep_problems(const UserError& failure) noexcept {
  try {
    last_problems = failure.problems();
  } catch (const std::bad_alloc&) {
    last_problems.clear();
  }
}

}  // namespace spikelane

using namespace spikelane;

#define SPIKELANE_TEXT_OF(x) #x
#define SPIKELANE_TEXT(x) SPIKELANE_TEXT_OF(x)

const char* spikelane_version(void) {
  return SPIKELANE_TEXT(SPIKELANE_VERSION_MAJOR) "." SPIKELANE_TEXT(
      SPIKELANE_VERSION_MINOR) "." SPIKELANE_TEXT(SPIKELANE_VERSION_PATCH);
}

uint32_t spikelane_abi_version(void) { return SPIKELANE_ABI_VERSION; }

const char* spikelane_status_text(spikelane_status status) {
  switch (status) {
    case SPIKELANE_OK:
      return "ok";
    case SPIKELANE_ERROR_ARGUMENT:
      return "wrong argument";
    case SPIKELANE_ERROR_VERSION:
      return "version mismatch";
    case SPIKELANE_ERROR_HANDLE:
      return "no such handle";
    case SPIKELANE_ERROR_BUSY:
      return "in use by another thread";
    case SPIKELANE_ERROR_INPUT:
      return "wrong input";
    case SPIKELANE_ERROR_NOT_FINITE:
      return "not finite";
    case SPIKELANE_ERROR_MEMORY:
      return "not enough memory";
    case SPIKELANE_ERROR_INTERNAL:
      return "internal error";
  }
  return "unknown status";
}

spikelane_status spikelane_read_problems(spikelane_text_function on_text, void* user) {
  return guarded(nullptr, 0, [&](const ErrorText& text) {
    if (on_text == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "on_text: found NULL");
    on_text(user, problems_to_json(last_problems).c_str());
    return SPIKELANE_OK;
  });
}
