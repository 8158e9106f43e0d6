#include "engine/run/part_sums.h"

#include "engine/learning/sums.h"

namespace spikelane {

std::vector<PartRow> parameter_rows(const Plan& plan) {
  std::vector<PartRow> rows;
  for (const TensorPlan& tensor : plan.tensors())
    for (std::int64_t row = 0; row < tensor.n_rows; ++row)
      rows.push_back({tensor.block_begin + row * tensor.block_stride,
                      tensor.logical.begin + row * tensor.n_columns, tensor.n_columns});
  return rows;
}

std::vector<std::int64_t> sample_cut(std::span<const std::int64_t> part_cut,
                                     std::int64_t first_part, std::int64_t n_samples) {
  std::vector<std::int64_t> begin;
  for (const std::int64_t part : part_cut)
    begin.push_back(
        std::min((first_part + part) * static_cast<std::int64_t>(kSumBlock), n_samples));
  return begin;
}

PartSums::PartSums(std::vector<PartRow> rows) : rows_(std::move(rows)) { use_ranks(one_rank()); }

void PartSums::use_ranks(Ranks& ranks) {
  ranks_ = &ranks;
  std::vector<std::int64_t> ends;
  for (const PartRow& row : rows_) ends.push_back(row.in_sum + row.n);
  row_cut_ = cut_parts(ends, 0, ranks.n_ranks());
  begin_.clear();
  for (const std::int64_t row : row_cut_)
    begin_.push_back(row == 0 ? 0 : ends[static_cast<std::size_t>(row) - 1]);
}

PartSums::Received PartSums::exchange(const float* parts, std::int64_t stride,
                                      std::span<const std::int64_t> part_cut) {
  if (ranks_->is_one()) return {parts, stride, false};
  const auto mine = static_cast<std::size_t>(ranks_->rank());
  const std::int64_t n_mine = part_cut[mine + 1] - part_cut[mine];
  const std::int64_t n_summed = begin_[mine + 1] - begin_[mine];
  std::vector<std::int64_t> send_begin{0}, receive_begin{0};
  sent_.clear();
  for (std::size_t r = 0; r + 1 < part_cut.size(); ++r) {
    for (std::int64_t part = 0; part < n_mine; ++part)
      for (std::int64_t i = row_cut_[r]; i < row_cut_[r + 1]; ++i) {
        const PartRow& row = rows_[static_cast<std::size_t>(i)];
        const float* from = parts + part * stride + row.in_part;
        sent_.insert(sent_.end(), from, from + row.n);
      }
    send_begin.push_back(send_begin.back() + n_mine * (begin_[r + 1] - begin_[r]));
    receive_begin.push_back(n_summed * part_cut[r + 1]);
  }
  received_.resize(static_cast<std::size_t>(receive_begin.back()));
  ranks_->exchange(sent_, send_begin, received_, receive_begin);
  return {received_.data(), n_summed, true};
}

}  // namespace spikelane
