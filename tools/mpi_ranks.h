// The ranks that a program started by mpirun belongs to.
#pragma once

#include <memory>

#include "engine/run/ranks.h"

namespace spikelane {

/// How many processes a launcher (mpirun, mpiexec, srun) has started of this program, as it says in
/// the environment; 1 without one.
int n_launched();

/// Whether a launcher has started this program, of one process too. Then standard output may look
/// like a terminal and go to a file: mpirun gives each process a pseudo-terminal.
bool is_launched();

/// Whether this program can train with several ranks.
bool has_mpi();

/// All ranks of the launch: MPI is initialised here and ends with the object. Only where
/// n_launched() is more than 1 and has_mpi(); may be called once in a process.
std::unique_ptr<Ranks> join_ranks();

}  // namespace spikelane
