#include "engine/config/user_error.h"

namespace spikelane {
namespace {

std::string join_lines(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += to_text(problem);
  }
  return text;
}

}  // namespace

std::string to_text(const Problem& problem) {
  return problem.place + ": found " + problem.value + "; allowed: " + problem.allowed;
}

UserError::UserError(std::vector<Problem> problems)
    : std::runtime_error(join_lines(problems)), problems_(std::move(problems)) {}

UserError::UserError(std::string place, std::string value, std::string allowed)
    : UserError(std::vector<Problem>{{std::move(place), std::move(value), std::move(allowed)}}) {}

}  // namespace spikelane
