// The one main of the test program. Beside what doctest does:
//   - test cases that called note_skip are counted as skipped,
//   - a test case without a single assertion, and a run whose filters match nothing, fail,
//   - the run ends with "N passed, N failed, N skipped",
//   - $SPIKELANE_TEST_COUNTS names a file to which "begin PID" and "end PID P F S" are appended:
//     a "begin" without its "end" is a run that died.
// Options of our own: --ctest (exit code 77 when everything was skipped), --may-be-empty (filters
// may match nothing).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "tests/skip.h"

namespace {

using spikelane::test::test_was_skipped;
int n_passed = 0, n_failed = 0, n_skipped = 0;
std::vector<std::string> complaints;

struct CountingListener : doctest::IReporter {
  explicit CountingListener(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData& data) override {
    name_ = data.m_name;
    test_was_skipped = false;
  }

  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    const bool has_asserted = stats.numAssertsCurrentTest > 0 || test_was_skipped;
    if (!has_asserted) complaints.push_back("made no assertion: " + name_);
    if (!stats.testCaseSuccess || !has_asserted)
      ++n_failed;
    else if (test_was_skipped)
      ++n_skipped;
    else
      ++n_passed;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  std::string name_;
};

REGISTER_LISTENER("counting", 1, CountingListener);

void append_count(const std::string& line) {
  if (const char* file = std::getenv("SPIKELANE_TEST_COUNTS"))
    std::ofstream(file, std::ios::app) << line + "\n";
}

}  // namespace

int main(int argc, char** argv) {
  bool is_ctest = false, may_be_empty = false;
  std::vector<char*> arguments;
  for (int i = 0; i < argc; ++i) {
    if (std::strcmp(argv[i], "--ctest") == 0)
      is_ctest = true;
    else if (std::strcmp(argv[i], "--may-be-empty") == 0)
      may_be_empty = true;
    else
      arguments.push_back(argv[i]);
  }
  doctest::Context context(static_cast<int>(arguments.size()), arguments.data());
  const std::string pid = std::to_string(getpid());
  append_count("begin " + pid);
  const int status = context.run();

  // --help, --list-test-cases and the like run nothing
  if (context.shouldExit() && n_passed + n_failed + n_skipped == 0) {
    append_count("end " + pid + " 0 0 0");
    return status;
  }
  if (n_passed + n_failed + n_skipped == 0 && !may_be_empty) {
    complaints.push_back("no test case matches the filters");
    ++n_failed;
  }
  for (const std::string& complaint : complaints) std::printf("failed: %s\n", complaint.c_str());
  // an assertion outside the test cases fails the run without failing a case
  if (status != 0 && n_failed == 0) n_failed = 1;
  std::printf("%d passed, %d failed, %d skipped\n", n_passed, n_failed, n_skipped);
  append_count("end " + pid + " " + std::to_string(n_passed) + " " + std::to_string(n_failed) +
               " " + std::to_string(n_skipped));
  if (n_failed > 0) return 1;
  return is_ctest && n_passed == 0 && n_skipped > 0 ? 77 : 0;
}
