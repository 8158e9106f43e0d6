// What is fuzzed: each function takes any bytes as what a user might point the program at, and must
// come back. Refusals (UserError, RunError, an error status) are what it is there for; anything
// else that it throws, a broken promise or a sanitizer's report is a mistake of ours. Each has a
// folder of its name in the corpus.
#pragma once

#include <string_view>

namespace spikelane::fuzz {

void config(std::string_view bytes);
void safetensors(std::string_view bytes);
void idx(std::string_view bytes);
void array(std::string_view bytes);
void checkpoint(std::string_view bytes);
/// The bytes are calls of the C API, a few for each.
void api(std::string_view bytes);

/// Ends the program with a message where a promise does not hold.
void require(bool holds, const char* what);

}  // namespace spikelane::fuzz
