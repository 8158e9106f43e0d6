// Ranks: the processes that train one network together. Each owns whole blocks of 8 members (or
// samples) and a part of the parameters; after an exchange all of them hold the same numbers and
// make the same update, so that their number changes no bit. The engine knows no more of a message
// library than this.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/config/user_error.h"

namespace spikelane {

/// What this rank has sent and received, and how long it has spent in exchanges, waiting included.
struct RankTraffic {
  std::int64_t n_exchanges = 0;
  double n_bytes_sent = 0.0, n_bytes_received = 0.0, seconds = 0.0;
};

/// All ranks call the same functions in the same order.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const = 0;
  virtual int n_ranks() const = 0;

  /// `values` is the same array on all ranks, of which rank r has filled begin[r] .. begin[r+1]-1;
  /// afterwards all have all of it. begin (n_ranks + 1) ascends.
  virtual void gather(std::span<double> values, std::span<const std::int64_t> begin) = 0;
  virtual void gather(std::span<float> values, std::span<const std::int64_t> begin) = 0;
  virtual void gather(std::span<std::int64_t> values, std::span<const std::int64_t> begin) = 0;
  virtual void gather(std::span<char> values, std::span<const std::int64_t> begin) = 0;

  /// Sends send[send_begin[r]] .. to rank r, and receives what rank r sends here to
  /// receive[receive_begin[r]] .. ; both begins are (n_ranks + 1).
  virtual void exchange(std::span<const float> send, std::span<const std::int64_t> send_begin,
                        std::span<float> receive, std::span<const std::int64_t> receive_begin) = 0;

  virtual RankTraffic traffic() const { return {}; }

  /// Ends all ranks at once, for failures that only this one knows of.
  [[noreturn]] virtual void abort(int exit_code) = 0;

  /// How many of the ranks run on this one's machine.
  virtual int n_on_machine() const { return 1; }

  bool is_first() const { return rank() == 0; }
  bool is_one() const { return n_ranks() == 1; }
};

/// A process by itself.
Ranks& one_rank();

/// The first element of each rank's part of n, whole blocks of `block`; (n_ranks + 1). A rank may
/// have none.
std::vector<std::int64_t> cut_over_ranks(std::int64_t n, std::int64_t block, int n_ranks);

/// The first of consecutive parts that each rank owns, so that all have about as much; (n_ranks +
/// 1). `ends` are the parts' ends, ascending; the first begins at `begin`.
std::vector<std::int64_t> cut_parts(std::span<const std::int64_t> ends, std::int64_t begin,
                                    int n_ranks);

/// The lowest rank that says so, if any.
std::optional<int> first_rank_where(Ranks& ranks, bool is_so);

/// Replaces each number by its sum over all ranks.
void sum_over_ranks(Ranks& ranks, std::span<std::int64_t> numbers);

/// Whether any rank says so.
inline bool any_rank(Ranks& ranks, bool is_so) {
  return first_rank_where(ranks, is_so).has_value();
}

/// A failure that every rank has been told of: all of them end with its message.
class SharedError : public RunError {
 public:
  using RunError::RunError;
};

/// Does this rank's part of the work. Where that fails on some rank, all throw SharedError with the
/// message of the lowest one: with members and samples cut in order, that is the failure that one
/// process would have met first.
void do_together(Ranks& ranks, const std::function<void()>& work);

}  // namespace spikelane
