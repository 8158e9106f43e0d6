// The two kinds of failure a user can meet. Our own mistakes are assertions (engine/assert.h), not
// these.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace spikelane {

/// One thing that is wrong with what the user wrote or pointed at.
struct Problem {
  std::string place;    // path in the config ("rule.sigma"), a file, or a command-line option
  std::string value;    // what was found there, as text ("-0.5", "\"adamm\"")
  std::string allowed;  // what is allowed there ("a number > 0")
};

/// "rule.sigma: found -0.5; allowed: a number > 0"
std::string to_text(const Problem& problem);

/// The user's input is wrong: exit code 2, nothing written. Holds all problems found, not only the
/// first.
class UserError : public std::runtime_error {
 public:
  explicit UserError(std::vector<Problem> problems);
  UserError(std::string place, std::string value, std::string allowed);
  const std::vector<Problem>& problems() const { return problems_; }

 private:
  std::vector<Problem> problems_;
};

/// The run failed although the input was right (disk full, state not finite, ...): exit code 1.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace spikelane
