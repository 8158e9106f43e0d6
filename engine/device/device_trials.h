// DeviceTrials: trials and windows of them on a CUDA device, one launch for all members and tiles.
// Evaluator and Simulation run through it where the CUDA backend was chosen.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/device/device_steps.h"
#include "engine/device/device_views.h"
#include "engine/device/staged_copies.h"
#include "engine/learning/members.h"

namespace spikelane {

/// A window of all rows, or their reset (resets, no steps) or their scores.
struct DeviceWindow {
  int t_begin = 0, t_end = 0;
  bool resets = false, scores = false;
  int first_member = 0;
  const RecordView* record = nullptr;  // on the device, or none
};

class DeviceTrials {
 public:
  /// `keeps_state`: tiles stay on the device from window to window, for n_members * n_samples rows;
  /// else each team has one, for whole trials. `draws`: parameters come from set_members, else
  /// from set_blocks. Throws RunError where the device has too little memory.
  /// `loop`: episodes of a closed loop with that built-in environment, in place of trials.
  DeviceTrials(const CudaFunctions& cuda, const Plan& plan, int n_members, int n_samples,
               int max_window, bool keeps_state, bool draws, const LoopView* loop = nullptr,
               int built_in = 0);

  /// Parameters of all members, (M, block_stride), and where the plan has a rank the weights that
  /// they share.
  void set_blocks(const float* blocks, std::int64_t block_stride, const float* shared);
  /// The members of one update, drawn in the kernel. Means are copied, here only.
  void set_members(const Members& members);

  /// Inputs of n_steps steps, (tiles of a member) or (members, tiles), and labels or none. Copied.
  void set_inputs(std::span<const InputView> views, int n_steps,
                  std::span<const std::int32_t> labels) {
    prepare_inputs(views, n_steps, labels);
    use_prepared_inputs();
  }
  /// The same in two halves: the copy runs beside the work that is queued, which keeps its own.
  void prepare_inputs(std::span<const InputView> views, int n_steps,
                      std::span<const std::int32_t> labels);
  void use_prepared_inputs();

  void run(const DeviceWindow& window);
  /// Whole episodes, their starts drawn from `key`.
  void run_episodes(int first_member, const RandomKey& key);

  /// Waits, and says which tile was the lowest whose state is not finite: its number counts tiles
  /// member by member.
  struct Lost {
    std::int64_t member, tile;
    NotFinite at;
  };
  std::optional<Lost> find_not_finite();
  /// Step t of all rows with inputs of their own, by a graph; waits for it.
  std::optional<Lost> step(int t, std::span<const InputView> views);

  /// The sum of a field of whole numbers of population p over all rows.
  std::int64_t sum_counts(std::int64_t at, int n) const;

  /// Queues the sums of the scores behind the last run, and their copy: what a generation needs.
  void sum_up();
  /// Where they lie on the device, for the update that is queued behind them.
  const MemberScoresView& sums() const { return sums_; }
  /// Waits for them: mean losses (M), and how many samples are correct, or how many control steps
  /// were taken; false where a member's state is not finite.
  bool read_sums(std::span<double> losses, std::int64_t* n_counted);

  /// Waits for scores: losses and correctness (M, B), logits (M, B, O); null where not wanted.
  void read_scores(double* losses, std::uint8_t* is_correct, float* logits);

  /// Waits for episodes: losses, lengths and ends (M, B), and where the plan counts them spikes (M,
  /// B, populations), else none.
  void read_episodes(std::vector<double>& losses, std::vector<std::int32_t>& lengths,
                     std::vector<std::uint8_t>& ends, std::vector<std::int64_t>& n_spikes);

  /// The state's tiles, back and forth.
  void read_tiles(char* tiles);
  void write_tiles(const char* tiles);

  /// The grid of its launches, for reports.
  const CudaGrid& grid() const { return grid_; }

 private:
  void set_loop(const LoopView& loop, int built_in);
  bool counts_spikes() const;
  void copy_args(const DeviceWindow& window);
  std::size_t n_state_bytes() const;
  std::optional<Lost> lost_at(unsigned long long first) const;

  const CudaFunctions& cuda_;
  const Plan& plan_;
  int n_members_, n_samples_, n_tiles_;
  bool keeps_state_, draws_, is_closed_loop_;
  CudaGrid grid_{};
  DeviceMemory loop_memory_, episode_memory_;
  CudaEpisodeArgs episodes_{};
  struct Inputs {
    explicit Inputs(const CudaFunctions& cuda) : is_uploaded(cuda), is_read(cuda) {}
    DeviceMemory memory;
    const InputView* views = nullptr;
    const std::int32_t* labels = nullptr;
    int are_own = 0;
    DeviceEvent is_uploaded, is_read;
  };
  DeviceMemory plan_memory_, memory_, members_memory_, args_memory_;
  std::array<Inputs, 2> inputs_;  // those at work, and the next
  int i_inputs_ = 0;
  DeviceScratch scratch_;
  CudaTrialArgs args_{};
  MemberScoresView sums_{};
  std::size_t n_sum_bytes_ = 0;  // of what sums_ points at, from the start of memory_
  PinnedMemory sums_pinned_;
  float *blocks_ = nullptr, *shared_ = nullptr;  // (M, block_stride) on the device; or none
  std::unique_ptr<DeviceSteps> steps_;
  bool is_state_copied_ = false;  // by the last step
  // a generation takes two; what is uploaded is large and has a generation's time
  StagedCopies staged_{cuda_, 4}, uploads_{cuda_, 1, CudaStream::kUpload};
};

}  // namespace spikelane
