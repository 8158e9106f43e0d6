/* Spikelane's C API: a trained spiking network in a control loop, learning if it is asked to.
 *
 *   spikelane_network network;
 *   spikelane_session session;
 *   char error[512];
 *   if (spikelane_load("policy.spikelane", NULL, &network, error, sizeof error)) ...
 *   if (spikelane_open(network, NULL, &session, error, sizeof error)) ...
 *   spikelane_step(session, observations, n_observations, actions, n_actions, error, sizeof error);
 *
 * Sizes.     R rows (copies of the network that act side by side), I observations and O actions of
 *            one row. Arrays are in C order: (R, I) is row 0's I numbers, then row 1's.
 * Results.   Every call that can fail returns a spikelane_status; SPIKELANE_OK is 0. A call that
 *            fails for its arguments changes nothing: no output is written, no state moves.
 * Errors.    `error` gets a text of at most error_size bytes, closed by a 0, when a call fails, and
 *            "" when it does not; it may be NULL with size 0. No exception leaves the library.
 * Threads.   Different sessions may be used from different threads at the same time, of the same
 *            network too. Two calls at once on one session: the second returns
 *            SPIKELANE_ERROR_BUSY and does nothing.
 * Real time. spikelane_step allocates nothing, takes no lock and writes no log (a session with one
 *            thread, which is the default). An error of the machine's arithmetic, a state that is
 *            not finite, is the exception: its message may allocate.
 * Numbers.   Each call sets the floating-point mode it needs and puts the caller's back: a host
 * that flushes subnormals to zero gets the same bits. They are those of `spikelane eval`. Handles.
 * Numbers, not pointers: one that was closed, or never opened, is an error and not a crash. Growth.
 * Structures begin with their size, so that a program compiled against an older header goes on
 * working with a newer library of the same ABI version.
 */
#ifndef SPIKELANE_SPIKELANE_H_
#define SPIKELANE_SPIKELANE_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SPIKELANE_API __attribute__((visibility("default")))
#else
#define SPIKELANE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define SPIKELANE_VERSION_MAJOR 0
#define SPIKELANE_VERSION_MINOR 1
#define SPIKELANE_VERSION_PATCH 0

/** Changes when a program compiled against an older header would no longer work. */
#define SPIKELANE_ABI_VERSION 1

typedef enum spikelane_status {
  SPIKELANE_OK = 0,
  SPIKELANE_ERROR_ARGUMENT = 1,   /* a pointer, size or value that is not allowed */
  SPIKELANE_ERROR_VERSION = 2,    /* header and library, or file and library, do not match */
  SPIKELANE_ERROR_HANDLE = 3,     /* no such network or session: closed, or never opened */
  SPIKELANE_ERROR_BUSY = 4,       /* the session is in use by another thread */
  SPIKELANE_ERROR_INPUT = 5,      /* a config, a weight file or a saved state is wrong */
  SPIKELANE_ERROR_NOT_FINITE = 6, /* the network's state overflowed; reset the session */
  SPIKELANE_ERROR_MEMORY = 7,     /* the allocator gave none */
  SPIKELANE_ERROR_INTERNAL = 8    /* our mistake */
} spikelane_status;

/** A loaded network: structure and weights, never changed afterwards. */
typedef struct spikelane_network {
  uint64_t id;
} spikelane_network;

/** R rows of a network with their state. */
typedef struct spikelane_session {
  uint64_t id;
} spikelane_session;

/** One line of text without an end of line. Called by load and open, never by step. */
typedef void (*spikelane_log_function)(void* user, const char* text);
/** `n_bytes` at a multiple of `alignment` (a power of two), or NULL. */
typedef void* (*spikelane_allocate_function)(void* user, size_t n_bytes, size_t alignment);
typedef void (*spikelane_release_function)(void* user, void* block, size_t n_bytes);

typedef struct spikelane_load_options {
  size_t struct_size;   /* sizeof(spikelane_load_options) */
  uint32_t abi_version; /* SPIKELANE_ABI_VERSION */
  uint32_t is_raw;      /* 1: inputs and outputs as they are, where the task would code them */
  /* Hooks of the network and its sessions; all may be NULL. allocate and release come together and
   * serve the blocks that grow with network and rows: weights, state, traces, working memory. Small
   * bookkeeping uses malloc. They are called from whichever thread loads, opens or closes. */
  spikelane_log_function log;
  void* log_user;
  spikelane_allocate_function allocate;
  spikelane_release_function release;
  void* allocator_user;
} spikelane_load_options;

typedef struct spikelane_session_options {
  size_t struct_size; /* sizeof(spikelane_session_options) */
  int32_t n_rows;     /* R, 1 to 16777216; of a search: rows of each member */
  int32_t n_threads;  /* 1 to 1024; with more than 1, step wakes threads and waits for them */
} spikelane_session_options;

/** What a session's rows do. */
typedef enum spikelane_purpose {
  SPIKELANE_ACTS = 0,    /* spikelane_open */
  SPIKELANE_LEARNS = 1,  /* spikelane_open_learning: weights change by KeRNL or e-prop */
  SPIKELANE_SEARCHES = 2 /* spikelane_open_search: rows are members of an evolution strategy */
} spikelane_purpose;

/** A session in numbers. Set struct_size before the call. */
typedef struct spikelane_session_info {
  size_t struct_size;
  int32_t purpose;   /* a spikelane_purpose */
  int32_t n_rows;    /* R, of all members */
  int32_t n_members; /* M; 1 where nothing is searched */
  int32_t reserved;
  int64_t n_steps;      /* since the reset; begins again at 0 after 2^30 */
  int64_t n_updates;    /* of the weights, or of the search's mean */
  size_t n_state_bytes; /* what spikelane_save_state writes */
} spikelane_session_info;

/** One population. Set struct_size before the call. */
typedef struct spikelane_population_info {
  size_t struct_size;
  int32_t n_neurons;  /* N */
  int32_t is_spiking; /* 0: a readout, which has no spikes and no counts */
  char name[72];
} spikelane_population_info;

/** What can be read of a population. */
typedef enum spikelane_field {
  SPIKELANE_MEMBRANE = 0,   /* membrane potential after the step; a readout's value */
  SPIKELANE_SPIKES = 1,     /* 1 where a neuron fired in the last step, else 0 */
  SPIKELANE_COUNTS = 2,     /* spikes since the reset, exact to 2^24, where they stop */
  SPIKELANE_ADAPTATION = 3, /* b of an adaptive population */
  SPIKELANE_TRACE = 4       /* S of a population with a synaptic trace */
} spikelane_field;

/** Sizes of a network. Set struct_size before the call. */
typedef struct spikelane_network_info {
  size_t struct_size;
  int32_t n_observations; /* I */
  int32_t n_actions;      /* O */
  int32_t n_populations;
  int32_t reserved;
  int64_t n_parameters;
  double dt_ms; /* one step of the network alone; a control step takes task.control_steps of them */
  /* How often the host calls spikelane_step, in ms of its world: the step of the environment that
   * the policy was trained in (cartpole 20, pendulum 50); dt_ms where the task has no environment,
   * and with is_raw. 0 where it is not known: of a task `mujoco` it is the model's timestep times
   * task.physics_steps. */
  double control_period_ms;
} spikelane_network_info;

/** Options with everything at its default: for load, no hooks; for a session, one row, one thread.
 */
static inline spikelane_load_options spikelane_default_load_options(void) {
  spikelane_load_options options = {
      sizeof(spikelane_load_options), SPIKELANE_ABI_VERSION, 0, NULL, NULL, NULL, NULL, NULL};
  return options;
}
static inline spikelane_session_options spikelane_default_session_options(void) {
  spikelane_session_options options = {sizeof(spikelane_session_options), 1, 1};
  return options;
}

/** "0.1.0" of the library, not of the header. */
SPIKELANE_API const char* spikelane_version(void);
/** The library's ABI version: compare it with SPIKELANE_ABI_VERSION where load gets no options. */
SPIKELANE_API uint32_t spikelane_abi_version(void);
/** "not finite"; never NULL. */
SPIKELANE_API const char* spikelane_status_text(spikelane_status status);

/** Loads one self-contained file, written by `spikelane export DIR --policy FILE`. options may be
 * NULL. */
SPIKELANE_API spikelane_status spikelane_load(const char* path,
                                              const spikelane_load_options* options,
                                              spikelane_network* network, char* error,
                                              size_t error_size);
/** The same from memory, (n_bytes); they are not needed after the call. */
SPIKELANE_API spikelane_status spikelane_load_memory(const void* bytes, size_t n_bytes,
                                                     const spikelane_load_options* options,
                                                     spikelane_network* network, char* error,
                                                     size_t error_size);
/** Loads a config and a weight file of a training. */
SPIKELANE_API spikelane_status spikelane_load_config(const char* config_path,
                                                     const char* weights_path,
                                                     const spikelane_load_options* options,
                                                     spikelane_network* network, char* error,
                                                     size_t error_size);
/** Forgets the network; its open sessions go on. */
SPIKELANE_API spikelane_status spikelane_unload(spikelane_network network, char* error,
                                                size_t error_size);
SPIKELANE_API spikelane_status spikelane_describe(spikelane_network network,
                                                  spikelane_network_info* info, char* error,
                                                  size_t error_size);
/** Population 0 .. n_populations-1, in the order of stepping; the last one is the output. */
SPIKELANE_API spikelane_status spikelane_describe_population(spikelane_network network,
                                                             int32_t population,
                                                             spikelane_population_info* info,
                                                             char* error, size_t error_size);
/** Writes the network as a policy file; an old file is replaced whole or not at all. */
SPIKELANE_API spikelane_status spikelane_save(spikelane_network network, const char* path,
                                              char* error, size_t error_size);

/** Opens a session, reset. options may be NULL: one row, one thread. */
SPIKELANE_API spikelane_status spikelane_open(spikelane_network network,
                                              const spikelane_session_options* options,
                                              spikelane_session* session, char* error,
                                              size_t error_size);
SPIKELANE_API spikelane_status spikelane_close(spikelane_session session, char* error,
                                               size_t error_size);
/** All rows as before their first step. */
SPIKELANE_API spikelane_status spikelane_reset(spikelane_session session, char* error,
                                               size_t error_size);

/** So many rows, (n_rows) of 0 .. R-1, as before their first step, while the others go on: for
 * episodes that end one by one. Steps are still counted for the session as a whole; what hangs on
 * that count in a row is when values below 2^-80 are cleared. A row that learns has what it did
 * until now counted at the end of the block. Allocates nothing. */
SPIKELANE_API spikelane_status spikelane_reset_rows(spikelane_session session, const int32_t* rows,
                                                    size_t n_rows, char* error, size_t error_size);

/** One step of all rows. `observations` (R, I) are finite numbers, `actions` (R, O) is written;
 * n_observations = R * I and n_actions = R * O are checked. The arrays may not overlap.
 *
 * Observations are the values of the input population, actions those of the output population: a
 * readout's value after the step, or 0 and 1 of a spiking one. Where the config's task is a closed
 * loop (cartpole, pendulum, mujoco) both are as in its environment: observations are coded as
 * task.observation says, the network takes task.control_steps steps, and the readouts are turned
 * into actions, one number in cartpole (0 or 1), else one in -1 .. 1 for each actuator. is_raw of
 * the load options switches that off. */
SPIKELANE_API spikelane_status spikelane_step(spikelane_session session, const float* observations,
                                              size_t n_observations, float* actions,
                                              size_t n_actions, char* error, size_t error_size);

/** Reads one field (a spikelane_field) of population 0 .. n_populations-1 of all rows into
 * `values`, (R, N); n_values = R * N is checked. Allocates nothing. */
SPIKELANE_API spikelane_status spikelane_read(spikelane_session session, int32_t population,
                                              int32_t field, float* values, size_t n_values,
                                              char* error, size_t error_size);
SPIKELANE_API spikelane_status spikelane_describe_session(spikelane_session session,
                                                          spikelane_session_info* info, char* error,
                                                          size_t error_size);

/** Saves everything that the next step depends on into `buffer`: n_state_bytes of
 * spikelane_session_info, which do not change while the session is open. n_bytes may be larger. */
SPIKELANE_API spikelane_status spikelane_save_state(spikelane_session session, void* buffer,
                                                    size_t n_bytes, char* error, size_t error_size);
/** Puts a saved state back, to the bit: of this session, or of another one of the same network,
 * purpose and rows, in this process or elsewhere. A buffer that is damaged, or of something else,
 * is SPIKELANE_ERROR_INPUT and changes nothing. */
SPIKELANE_API spikelane_status spikelane_restore_state(spikelane_session session,
                                                       const void* buffer, size_t n_bytes,
                                                       char* error, size_t error_size);

/** Opens a search by an evolution strategy for a simulator of the host's. The network's config says
 * how (rule.kind "es"); its weights are where the search starts. Rows are (member, row), options
 * n_rows of each member, and every member has weights of its own. The loop:
 *   step all rows through episodes; spikelane_tell the members' losses; again */
SPIKELANE_API spikelane_status spikelane_open_search(spikelane_network network,
                                                     const spikelane_session_options* options,
                                                     spikelane_session* session, char* error,
                                                     size_t error_size);
/** Losses of the members, (M), smaller is better (minus a return): one update of the mean. The
 * rows then are the next members, reset. */
SPIKELANE_API spikelane_status spikelane_tell(spikelane_session session, const double* losses,
                                              size_t n_losses, char* error, size_t error_size);

/** Opens a session whose weights change while it acts, by KeRNL or e-prop as the network's config
 * says (rule.kind "kernl", rule.mode "online"). Observations may be any numbers. All rows share the
 * weights; with options n_threads above 1 nothing is faster. */
SPIKELANE_API spikelane_status spikelane_open_learning(spikelane_network network,
                                                       const spikelane_session_options* options,
                                                       spikelane_session* session, char* error,
                                                       size_t error_size);
/** How wrong the last step was: errors (R, readout neurons), the loss's derivative by each
 * readout's value (for a squared error: value - target). With rewards (R) a row's errors are
 * multiplied by its reward: reward-modulated learning, where errors say in which direction the
 * action went. rewards may be NULL with size 0. At most one call a step; a step without one had no
 * error. Weights change at the end of every block of rule.k_steps steps in which errors came. */
SPIKELANE_API spikelane_status spikelane_learn(spikelane_session session, const float* errors,
                                               size_t n_errors, const float* rewards,
                                               size_t n_rewards, char* error, size_t error_size);

/** The session's weights as a network of their own: those learned so far, or the search's mean. */
SPIKELANE_API spikelane_status spikelane_freeze(spikelane_session session,
                                                spikelane_network* network, char* error,
                                                size_t error_size);

#ifdef __cplusplus
}
#endif

#endif /* SPIKELANE_SPIKELANE_H_ */
