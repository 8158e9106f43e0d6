// Losses of a sample, in double from its float32 logits (already multiplied by the scale), and
// whether it was classified correctly. Low is good. One source for one sample (kWidth = 1) and for
// the 16 lanes of a tile: logits[c * kStride + lane], c = 0 .. n_classes-1 ascending in every sum.
// Lanes do not know of one another, so both widths give the same bits.
//
// A logit that is not finite makes the loss not finite, whatever the label: the rule stops the run.
// Labels are 0 .. n_classes-1.
#pragma once

#include <stdint.h>

#include "kernels/core/device.h"
#include "kernels/core/double_math.h"
#include "kernels/core/isa.h"
#include "kernels/step/views.h"

namespace spikelane::SPIKELANE_ISA {

/// log(sum_c exp(l_c - max)) + (max - l_label): the maximum leaves both terms, so that a small loss
/// keeps its digits.
template <int kWidth, int kStride = kWidth>
SPIKELANE_HD inline void cross_entropy(const float* logits, int n_classes, const int32_t* labels,
                                       double* loss) {
  float highest[kWidth], own[kWidth];
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) highest[lane] = own[lane] = logits[lane];
  SPIKELANE_ROLLED
  for (int c = 1; c < n_classes; ++c) {
    const float* l = logits + c * kStride;
#pragma omp simd
    for (int lane = 0; lane < kWidth; ++lane) {
      highest[lane] = l[lane] > highest[lane] ? l[lane] : highest[lane];
      own[lane] = labels[lane] == c ? l[lane] : own[lane];
    }
  }
  double sum[kWidth], spoilt[kWidth];
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) sum[lane] = spoilt[lane] = 0.0;
  SPIKELANE_ROLLED
  for (int c = 0; c < n_classes; ++c) {
    const float* l = logits + c * kStride;
#pragma omp simd
    for (int lane = 0; lane < kWidth; ++lane) {
      const double logit = l[lane];
      sum[lane] += own_exp(logit - static_cast<double>(highest[lane]));
      spoilt[lane] += logit - logit;  // 0, or not a number
    }
  }
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) {
    const double gap = static_cast<double>(highest[lane]) - static_cast<double>(own[lane]);
    loss[lane] = (own_log(sum[lane]) + gap) + spoilt[lane];
  }
}

/// Mean over the wrong classes of max(0, margin - (l_label - l_c)); 0 where there is no wrong
/// class.
template <int kWidth, int kStride = kWidth>
SPIKELANE_HD inline void count_hinge(const float* logits, int n_classes, const int32_t* labels,
                                     double margin, double* loss) {
  double own[kWidth];
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) {
    own[lane] = logits[lane];
    loss[lane] = 0.0;
  }
  SPIKELANE_ROLLED
  for (int c = 1; c < n_classes; ++c) {
    const float* l = logits + c * kStride;
#pragma omp simd
    for (int lane = 0; lane < kWidth; ++lane)
      own[lane] = labels[lane] == c ? static_cast<double>(l[lane]) : own[lane];
  }
  SPIKELANE_ROLLED
  for (int c = 0; c < n_classes; ++c) {
    const float* l = logits + c * kStride;
#pragma omp simd
    for (int lane = 0; lane < kWidth; ++lane) {
      const double logit = l[lane];
      const double lacking = margin - (own[lane] - logit);
      const double part = lacking > 0.0 ? lacking : 0.0;
      loss[lane] += (labels[lane] == c ? 0.0 : part) + (logit - logit);
    }
  }
  const double n_wrong = n_classes > 1 ? n_classes - 1 : 1;
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) loss[lane] /= n_wrong;
}

/// Mean over the classes of (l_c - [c is the label])^2.
template <int kWidth, int kStride = kWidth>
SPIKELANE_HD inline void mean_squared_error(const float* logits, int n_classes,
                                            const int32_t* labels, double* loss) {
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) loss[lane] = 0.0;
  SPIKELANE_ROLLED
  for (int c = 0; c < n_classes; ++c) {
    const float* l = logits + c * kStride;
#pragma omp simd
    for (int lane = 0; lane < kWidth; ++lane) {
      const double difference = static_cast<double>(l[lane]) - (labels[lane] == c ? 1.0 : 0.0);
      loss[lane] += difference * difference;
    }
  }
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) loss[lane] /= n_classes;
}

/// The class with the highest logit; of equal ones the lowest class.
template <int kWidth, int kStride = kWidth>
SPIKELANE_HD inline void best_class(const float* logits, int n_classes, int32_t* best) {
  float highest[kWidth];
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) {
    highest[lane] = logits[lane];
    best[lane] = 0;
  }
  SPIKELANE_ROLLED
  for (int c = 1; c < n_classes; ++c) {
    const float* l = logits + c * kStride;
#pragma omp simd
    for (int lane = 0; lane < kWidth; ++lane) {
      best[lane] = l[lane] > highest[lane] ? c : best[lane];
      highest[lane] = l[lane] > highest[lane] ? l[lane] : highest[lane];
    }
  }
}

/// Loss and correctness (0 or 1) of kWidth samples.
template <int kWidth, int kStride = kWidth>
SPIKELANE_HD inline void evaluate_logits(Loss kind, double margin, const float* logits,
                                         int n_classes, const int32_t* labels, double* loss,
                                         int32_t* is_correct) {
  if (kind == Loss::kCrossEntropy)
    cross_entropy<kWidth, kStride>(logits, n_classes, labels, loss);
  else if (kind == Loss::kCountHinge)
    count_hinge<kWidth, kStride>(logits, n_classes, labels, margin, loss);
  else
    mean_squared_error<kWidth, kStride>(logits, n_classes, labels, loss);
  best_class<kWidth, kStride>(logits, n_classes, is_correct);
#pragma omp simd
  for (int lane = 0; lane < kWidth; ++lane) is_correct[lane] = is_correct[lane] == labels[lane];
}

}  // namespace spikelane::SPIKELANE_ISA
