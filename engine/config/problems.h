// The problems found so far in one config, and the texts they are described with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/config/user_error.h"

namespace spikelane {

/// Collects what is wrong, so that the user hears all of it at once. A file with thousands of
/// mistakes is cut after the first hundred, with a last line that counts the others.
class Problems {
 public:
  void add(std::string place, std::string value, std::string allowed);

  /// True when a problem was found at `place` or below it ("task" covers "task.seed"). Checks over
  /// several keys use it to keep quiet where a key of theirs is already reported.
  bool has_at(std::string_view place) const;

  bool is_empty() const { return list_.empty(); }

  /// Throws UserError with everything collected; does nothing when there is nothing.
  void throw_if_any() const;

 private:
  std::vector<Problem> list_;
  long n_left_out_ = 0;
};

/// `text` as it may be shown on a terminal: control characters and bytes that are not UTF-8 become
/// \xNN, and what is beyond `n_max` bytes becomes "...".
std::string printable(std::string_view text, std::size_t n_max = 60);

/// The text in double quotes, made printable.
std::string in_quotes(std::string_view text);

/// True when the bytes are well-formed UTF-8.
bool is_utf8(std::string_view text);

/// The candidate with the smallest edit distance to `text` (the first of equal ones); empty when
/// there are no candidates. Only the first 64 bytes of `text` are looked at.
std::string nearest(std::string_view text, const std::vector<std::string>& candidates);

/// `one of "a", "b", "c" (nearest: "b")`; the list is cut after 24 names.
std::string one_of_text(const std::vector<std::string>& candidates, std::string_view found);

}  // namespace spikelane
