// The one file that knows MPI; it is compiled to nothing much without it.
#include "tools/mpi_ranks.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <string>

#if SPIKELANE_HAS_MPI
#include <mpi.h>
#endif

namespace spikelane {

static int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text ? std::atoi(text) : 0;
}

int n_launched() {
  // OpenMPI; MPICH and Intel MPI; srun with PMIx, whose step size means nothing without a rank
  int n = std::max(number_in("OMPI_COMM_WORLD_SIZE"), number_in("PMI_SIZE"));
  if (std::getenv("PMIX_RANK")) n = std::max(n, number_in("SLURM_STEP_NUM_TASKS"));
  return std::max(n, 1);
}

bool is_launched() {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"})
    if (std::getenv(variable)) return true;
  return false;
}

#if SPIKELANE_HAS_MPI

namespace {

template <class T>
MPI_Datatype type_of();
template <>
MPI_Datatype type_of<double>() {
  return MPI_DOUBLE;
}
template <>
MPI_Datatype type_of<float>() {
  return MPI_FLOAT;
}
template <>
MPI_Datatype type_of<std::int64_t>() {
  return MPI_INT64_T;
}
template <>
MPI_Datatype type_of<char>() {
  return MPI_CHAR;
}

/// MPI's counts are ints.
struct Counts {
  explicit Counts(std::span<const std::int64_t> begin) {
    if (begin.back() > INT_MAX)
      throw RunError("an exchange of " + std::to_string(begin.back()) +
                     " numbers; MPI takes at most " + std::to_string(INT_MAX));
    for (std::size_t r = 0; r + 1 < begin.size(); ++r) {
      n.push_back(static_cast<int>(begin[r + 1] - begin[r]));
      at.push_back(static_cast<int>(begin[r]));
    }
  }
  std::vector<int> n, at;
};

class MpiRanks : public Ranks {
 public:
  MpiRanks() {
    // threads compute, only the main one calls MPI; errors end all ranks with MPI's own message
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks_);
    MPI_Comm here;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &n_on_machine_);
    MPI_Comm_free(&here);
  }
  ~MpiRanks() override { MPI_Finalize(); }

  int rank() const override { return rank_; }
  int n_ranks() const override { return n_ranks_; }
  int n_on_machine() const override { return n_on_machine_; }
  RankTraffic traffic() const override { return traffic_; }

  void gather(std::span<double> values, std::span<const std::int64_t> begin) override {
    gather_any(values, begin);
  }
  void gather(std::span<float> values, std::span<const std::int64_t> begin) override {
    gather_any(values, begin);
  }
  void gather(std::span<std::int64_t> values, std::span<const std::int64_t> begin) override {
    gather_any(values, begin);
  }
  void gather(std::span<char> values, std::span<const std::int64_t> begin) override {
    gather_any(values, begin);
  }

  void exchange(std::span<const float> send, std::span<const std::int64_t> send_begin,
                std::span<float> receive, std::span<const std::int64_t> receive_begin) override {
    const Counts out(send_begin), in(receive_begin);
    const auto mine = static_cast<std::size_t>(rank_);
    const Timer timer(traffic_);
    MPI_Alltoallv(send.data(), out.n.data(), out.at.data(), MPI_FLOAT, receive.data(), in.n.data(),
                  in.at.data(), MPI_FLOAT, MPI_COMM_WORLD);
    traffic_.n_bytes_sent += sizeof(float) * static_cast<double>(send_begin.back() - out.n[mine]);
    traffic_.n_bytes_received +=
        sizeof(float) * static_cast<double>(receive_begin.back() - in.n[mine]);
  }

  [[noreturn]] void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Timer {
    explicit Timer(RankTraffic& to) : traffic(to) { ++traffic.n_exchanges; }
    ~Timer() { traffic.seconds += std::chrono::duration<double>(Clock::now() - start).count(); }
    RankTraffic& traffic;
    Clock::time_point start = Clock::now();
  };

  template <class T>
  void gather_any(std::span<T> values, std::span<const std::int64_t> begin) {
    assert(static_cast<std::int64_t>(values.size()) >= begin.back());
    const Counts counts(begin);
    const double n_mine = counts.n[static_cast<std::size_t>(rank_)];
    const Timer timer(traffic_);
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values.data(), counts.n.data(),
                   counts.at.data(), type_of<T>(), MPI_COMM_WORLD);
    // as a ring has it: each rank passes on all parts but one
    traffic_.n_bytes_received +=
        sizeof(T) * (static_cast<double>(begin.back() - begin.front()) - n_mine);
    traffic_.n_bytes_sent +=
        sizeof(T) * (static_cast<double>(begin.back() - begin.front()) - n_mine);
  }

  int rank_ = 0, n_ranks_ = 1, n_on_machine_ = 1;
  RankTraffic traffic_;
};

}  // namespace

bool has_mpi() { return true; }
std::unique_ptr<Ranks> join_ranks() { return std::make_unique<MpiRanks>(); }

#else

bool has_mpi() { return false; }
std::unique_ptr<Ranks> join_ranks() { throw RunError("this program was built without MPI"); }

#endif

}  // namespace spikelane
