#include "engine/run/ranks.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>

namespace spikelane {
namespace {

class OneRank : public Ranks {
 public:
  int rank() const override { return 0; }
  int n_ranks() const override { return 1; }
  void gather(std::span<double>, std::span<const std::int64_t>) override {}
  void gather(std::span<float>, std::span<const std::int64_t>) override {}
  void gather(std::span<std::int64_t>, std::span<const std::int64_t>) override {}
  void gather(std::span<char>, std::span<const std::int64_t>) override {}
  void exchange(std::span<const float> send, std::span<const std::int64_t>,
                std::span<float> receive, std::span<const std::int64_t>) override {
    assert(send.size() == receive.size());
    std::copy(send.begin(), send.end(), receive.begin());
  }
  [[noreturn]] void abort(int exit_code) override { std::exit(exit_code); }
};

std::vector<std::int64_t> one_each(int n_ranks) {
  std::vector<std::int64_t> begin;
  for (int r = 0; r <= n_ranks; ++r) begin.push_back(r);
  return begin;
}

}  // namespace

Ranks& one_rank() {
  static OneRank one;
  return one;
}

std::vector<std::int64_t> cut_over_ranks(std::int64_t n, std::int64_t block, int n_ranks) {
  const std::int64_t n_blocks = (n + block - 1) / block;
  std::vector<std::int64_t> begin;
  for (int r = 0; r <= n_ranks; ++r) begin.push_back(std::min(n, n_blocks * r / n_ranks * block));
  return begin;
}

std::vector<std::int64_t> cut_parts(std::span<const std::int64_t> ends, std::int64_t begin,
                                    int n_ranks) {
  const std::int64_t n = ends.empty() ? 0 : ends.back() - begin;
  std::vector<std::int64_t> first{0};
  std::size_t part = 0;
  for (int r = 1; r < n_ranks; ++r) {
    // a part belongs to the rank in whose share its middle lies
    const double share = static_cast<double>(begin) + static_cast<double>(n) * r / n_ranks;
    const auto middle = [&](std::size_t p) {
      return 0.5 * static_cast<double>((p == 0 ? begin : ends[p - 1]) + ends[p]);
    };
    while (part < ends.size() && middle(part) < share) ++part;
    first.push_back(static_cast<std::int64_t>(part));
  }
  first.push_back(static_cast<std::int64_t>(ends.size()));
  return first;
}

void sum_over_ranks(Ranks& ranks, std::span<std::int64_t> numbers) {
  if (ranks.is_one()) return;
  const auto n = static_cast<std::int64_t>(numbers.size());
  std::vector<std::int64_t> all(static_cast<std::size_t>(n * ranks.n_ranks())), begin;
  for (int r = 0; r <= ranks.n_ranks(); ++r) begin.push_back(n * r);
  std::copy(numbers.begin(), numbers.end(), all.begin() + n * ranks.rank());
  ranks.gather(std::span(all), begin);
  std::fill(numbers.begin(), numbers.end(), 0);
  for (std::size_t i = 0; i < all.size(); ++i) numbers[i % numbers.size()] += all[i];
}

std::optional<int> first_rank_where(Ranks& ranks, bool is_so) {
  if (ranks.is_one()) return is_so ? std::optional(0) : std::nullopt;
  std::vector<std::int64_t> flags(static_cast<std::size_t>(ranks.n_ranks()), 0);
  flags[static_cast<std::size_t>(ranks.rank())] = is_so ? 1 : 0;
  ranks.gather(std::span(flags), one_each(ranks.n_ranks()));
  const auto found = std::find(flags.begin(), flags.end(), 1);
  if (found == flags.end()) return std::nullopt;
  return static_cast<int>(found - flags.begin());
}

void do_together(Ranks& ranks, const std::function<void()>& work) {
  if (ranks.is_one()) {
    work();
    return;
  }
  std::string failure;
  bool has_failed = false;
  try {
    work();
  } catch (const std::exception& error) {
    has_failed = true;
    failure = error.what();
  }
  // how long each rank's message is, 1 more where there is one
  const auto n_ranks = static_cast<std::size_t>(ranks.n_ranks());
  std::vector<std::int64_t> lengths(n_ranks, 0);
  lengths[static_cast<std::size_t>(ranks.rank())] =
      has_failed ? static_cast<std::int64_t>(failure.size()) + 1 : 0;
  ranks.gather(std::span(lengths), one_each(ranks.n_ranks()));
  for (std::size_t r = 0; r < n_ranks; ++r) {
    if (lengths[r] == 0) continue;
    // the lowest rank that failed tells all others
    std::vector<std::int64_t> begin(n_ranks + 1, lengths[r] - 1);
    std::fill_n(begin.begin(), r + 1, 0);
    failure.resize(static_cast<std::size_t>(lengths[r] - 1));
    ranks.gather(std::span<char>(failure), begin);
    throw SharedError(failure);
  }
}

}  // namespace spikelane
