/* Spikelane's C API for training and running on arrays in memory. It adds to spikelane.h, whose
 * rules about statuses, error texts, handles, threads and structure sizes hold here too.
 *
 *   spikelane_tensor tensors[2] = {inputs, labels};
 *   spikelane_train_options options = spikelane_default_train_options();
 *   options.on_report = print_line;
 *   spikelane_train(config_text, tensors, 2, &options, &network, error, sizeof error);
 *
 * Tensors.   Arrays of the caller's, read in place: any dtype of spikelane_dtype, any strides. They
 *            must stay unchanged until the call returns. Letters: B samples, T steps, I inputs.
 *   inputs          (B, T, I) values. Values that are all 0 or 1 are events, others are graded.
 *   labels          (B) classes from 0 on, of any integer dtype.
 *   inputs.offsets  (B + 1), inputs.step (E) and inputs.unit (E) in the place of inputs: events of
 *                   sample b are those from inputs.offsets[b] to inputs.offsets[b + 1]. They may
 *                   come in any order; an event that comes twice counts once. n_steps and n_inputs
 *                   of the options then say T and I.
 *   test.inputs, test.labels, test.inputs.offsets, ...  the same for the held-out samples. Without
 *                   them the last task.n_test samples are held out.
 * Config.    A text in JSON as docs/config.md describes. With tensors task.kind is "array", and
 *            task.file is a name that is not read.
 */
#ifndef SPIKELANE_TRAIN_H_
#define SPIKELANE_TRAIN_H_

#include "spikelane.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the elements of a tensor are. Integers are in two's complement, all in native byte order.
 */
typedef enum spikelane_dtype {
  SPIKELANE_BOOL = 0, /* one byte, 0 or 1 */
  SPIKELANE_U8 = 1,
  SPIKELANE_I8 = 2,
  SPIKELANE_U16 = 3,
  SPIKELANE_I16 = 4,
  SPIKELANE_U32 = 5,
  SPIKELANE_I32 = 6,
  SPIKELANE_U64 = 7,
  SPIKELANE_I64 = 8,
  SPIKELANE_F16 = 9,
  SPIKELANE_F32 = 10,
  SPIKELANE_F64 = 11
} spikelane_dtype;

#define SPIKELANE_MAX_DIMS 4

/** A named array of the caller's. */
typedef struct spikelane_tensor {
  size_t struct_size; /* sizeof(spikelane_tensor) */
  const char* name;
  const void* data; /* of element 0, 0, ...; may be NULL where the array is empty */
  int32_t dtype;    /* a spikelane_dtype */
  int32_t n_dims;   /* 1 to SPIKELANE_MAX_DIMS */
  int64_t shape[SPIKELANE_MAX_DIMS];
  int64_t strides[SPIKELANE_MAX_DIMS]; /* bytes from one element to the next; may be negative */
} spikelane_tensor;

/** Receives a text in JSON, closed by a 0, which does not stay after the call. It is called from
 * the thread that called the function of the library, and must not throw. */
typedef void (*spikelane_text_function)(void* user, const char* json);

typedef struct spikelane_train_options {
  size_t struct_size;   /* sizeof(spikelane_train_options) */
  uint32_t abi_version; /* SPIKELANE_ABI_VERSION */
  int32_t n_threads;    /* 1 to 1024; 0: as many as this process may use */
  const char* isa;      /* an instruction set of `spikelane info`; NULL: the fastest */
  int32_t n_steps;      /* T of events; else 0 */
  int32_t n_inputs;     /* I of events; else 0 */
  /** A flag of the caller's: when it is not 0 the call ends before the next update. May be NULL. */
  const volatile int32_t* stop;
  spikelane_text_function on_report; /* each report, as in results.json; may be NULL */
  void* on_report_user;
  spikelane_text_function on_result; /* once, at the end: the whole results.json; may be NULL */
  void* on_result_user;
  const char*
      config_path; /* where the config lies, for data files of built-in tasks; may be NULL */
  /** A folder that is there, for checkpoints as `spikelane train` writes them. NULL: none. */
  const char* checkpoint_folder;
  int32_t is_resumed; /* 1: goes on from the checkpoint in that folder */
  int32_t reserved;
  spikelane_network start; /* whose weights the training begins with; id 0: those of its seed */
} spikelane_train_options;

static inline spikelane_train_options spikelane_default_train_options(void) {
  spikelane_train_options options = {sizeof(spikelane_train_options),
                                     SPIKELANE_ABI_VERSION,
                                     0,
                                     NULL,
                                     0,
                                     0,
                                     NULL,
                                     NULL,
                                     NULL,
                                     NULL,
                                     NULL,
                                     NULL,
                                     NULL,
                                     0,
                                     0,
                                     {0}};
  return options;
}

/** One record of a run: "<population>.s", spikes as (B, T, N) bytes of 0 and 1, or
 * "<population>.v", membrane potentials after the step as (B, T, N) float; a readout's are its
 * values. */
typedef struct spikelane_record {
  size_t struct_size; /* sizeof(spikelane_record) */
  const char* name;
  void* values;   /* the caller's buffer, in C order */
  size_t n_bytes; /* of the buffer, exactly what the record takes */
} spikelane_record;

/** One tensor of a network. Set struct_size before the call. */
typedef struct spikelane_parameter_info {
  size_t struct_size;
  int32_t
      n_dims; /* 2 of weights, (pre, post); 1 of biases, (post); 2 or 3 of what a rule learned */
  int32_t is_rules; /* 1: learned by the rule beside the weights (KeRNL's sensitivity) */
  int64_t shape[SPIKELANE_MAX_DIMS];
  char name[160]; /* "input.hidden.weight" */
} spikelane_parameter_info;

/** Trains by the config on the tensors, or with n_tensors 0 on the task that the config names (in a
 * library that has tasks), and gives the trained network. options may be NULL. A training that was
 * stopped gives SPIKELANE_OK too; its result then has the key `interrupted`. */
SPIKELANE_API spikelane_status spikelane_train(const char* config_text,
                                               const spikelane_tensor* tensors, size_t n_tensors,
                                               const spikelane_train_options* options,
                                               spikelane_network* network, char* error,
                                               size_t error_size);

/** Makes a network of a config without training it. n_inputs is I, 0 where the task says it. The
 * tensors are weights by name, shapes as spikelane_describe_parameter says; those that are not
 * given have the start values of the config's seed. */
SPIKELANE_API spikelane_status spikelane_create(const char* config_text, int32_t n_inputs,
                                                const spikelane_tensor* tensors, size_t n_tensors,
                                                const spikelane_load_options* options,
                                                spikelane_network* network, char* error,
                                                size_t error_size);

/** Loads what `spikelane train --out FOLDER` has left: results.json and weights.safetensors. */
SPIKELANE_API spikelane_status spikelane_load_training(const char* folder,
                                                       const spikelane_load_options* options,
                                                       spikelane_network* network, char* error,
                                                       size_t error_size);

/** Runs the network over samples (the tensors `inputs` or those of events; `labels` may be left
 * out) and fills the records. on_result of the options gets {"n_samples", "state_hash",
 * "firing_rate"} and, with labels, "loss" and "accuracy". options may be NULL. */
SPIKELANE_API spikelane_status spikelane_run(spikelane_network network,
                                             const spikelane_tensor* tensors, size_t n_tensors,
                                             const spikelane_train_options* options,
                                             const spikelane_record* records, size_t n_records,
                                             char* error, size_t error_size);

/** Tensor 0, 1, ... of the network: weights and biases in the order of the flat vector, then what a
 * rule has learned. Past the last one the status is SPIKELANE_ERROR_ARGUMENT. */
SPIKELANE_API spikelane_status spikelane_describe_parameter(spikelane_network network,
                                                            int32_t parameter,
                                                            spikelane_parameter_info* info,
                                                            char* error, size_t error_size);
/** Its values in C order; n_values, the product of its shape, is checked. */
SPIKELANE_API spikelane_status spikelane_read_parameter(spikelane_network network,
                                                        int32_t parameter, float* values,
                                                        size_t n_values, char* error,
                                                        size_t error_size);
/** The network's config with every default filled in, as JSON. */
SPIKELANE_API spikelane_status spikelane_read_config(spikelane_network network,
                                                     spikelane_text_function on_text, void* user,
                                                     char* error, size_t error_size);
/** Writes weights.safetensors as `spikelane train` does. */
SPIKELANE_API spikelane_status spikelane_save_weights(spikelane_network network, const char* path,
                                                      char* error, size_t error_size);

/** What was wrong in the last call of this thread that returned SPIKELANE_ERROR_INPUT, as a JSON
 * array of {"path", "found", "allowed"}, one for each problem. */
SPIKELANE_API spikelane_status spikelane_read_problems(spikelane_text_function on_text, void* user);

#ifdef __cplusplus
}
#endif

#endif /* SPIKELANE_TRAIN_H_ */
