// PartSums: gradients are summed over parts of 8 samples, ascending, in double. Each rank has run
// parts of its own; of the rows of the sum it makes its own share, from the rows of all parts, and
// then all get all. So the sums are those of one process to the bit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/plan/plan.h"
#include "engine/run/ranks.h"
#include "kernels/cpu/thread_pool.h"

namespace spikelane {

/// Entries that lie side by side, in a part and in the sum.
struct PartRow {
  std::int64_t in_part, in_sum;
  int n;
};

/// Of a member's block, in a flat and logical sum.
std::vector<PartRow> parameter_rows(const Plan& plan);

/// The first sample of each rank's parts; part_cut, (n_ranks + 1), counts parts from first_part on.
std::vector<std::int64_t> sample_cut(std::span<const std::int64_t> part_cut,
                                     std::int64_t first_part, std::int64_t n_samples);

class PartSums {
 public:
  /// `rows` ascend in the sum and leave nothing out.
  explicit PartSums(std::vector<PartRow> rows);
  void use_ranks(Ranks& ranks);

  /// `parts` are this rank's, part_cut[rank] .. , `stride` floats apart. Calls write(at, sum) for
  /// those entries of the sum that this rank makes; a sum begins with start(at). With one rank and
  /// one thread nothing is allocated.
  template <class Start, class Write>
  void sum(ThreadPool& pool, const float* parts, std::int64_t stride,
           std::span<const std::int64_t> part_cut, const Start& start, const Write& write) {
    const Received got = exchange(parts, stride, part_cut);
    constexpr std::int64_t kRows = 32;
    const auto mine = static_cast<std::size_t>(ranks_->rank());
    const std::int64_t first = row_cut_[mine], last = row_cut_[mine + 1];
    const std::int64_t n_parts = part_cut.back();
    const auto work = [&](std::int64_t item, int) {
      const std::int64_t from = first + item * kRows;
      for (std::int64_t r = from; r < std::min(last, from + kRows); ++r) {
        const PartRow& row = rows_[static_cast<std::size_t>(r)];
        const float* of_row = got.at + (got.is_of_all ? row.in_sum - begin_[mine] : row.in_part);
        for (int i = 0; i < row.n; ++i) {
          double sum = start(row.in_sum + i);
          for (std::int64_t part = 0; part < n_parts; ++part)
            sum += static_cast<double>(of_row[part * got.stride + i]);
          write(row.in_sum + i, sum);
        }
      }
    };
    pool.for_each((last - first + kRows - 1) / kRows, std::ref(work));
  }

  /// All ranks get the entries that the others have written.
  void share(std::span<float> sums) const { ranks_->gather(sums, begin_); }

 private:
  // this rank's rows of all parts
  struct Received {
    const float* at;
    std::int64_t stride;
    bool is_of_all;  // from all ranks: rows as in the sum, without gaps
  };
  Received exchange(const float* parts, std::int64_t stride,
                    std::span<const std::int64_t> part_cut);

  std::vector<PartRow> rows_;
  Ranks* ranks_ = &one_rank();
  std::vector<std::int64_t> row_cut_, begin_;  // (n_ranks + 1) of rows; of entries of the sum
  std::vector<float> sent_, received_;
};

}  // namespace spikelane
