#include "tools/failure.h"

#include <cstdio>
#include <exception>
#include <new>

#include "engine/config/user_error.h"

namespace spikelane {

int report_failure() {
  try {
    throw;
  } catch (const UserError& error) {
    for (const Problem& problem : error.problems())
      std::fprintf(stderr, "error: %s\n", to_text(problem).c_str());
    return kWrongInput;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "error: not enough memory\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
  }
  return kRunFailed;
}

}  // namespace spikelane
