//===- Console.cpp - What the compiler says while it works ----------------===//

#include "Console.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <map>
#include <unistd.h>

namespace lowbit {

static double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

Console::Console(bool quiet)
    : quiet_(quiet), terminal_(!quiet && isatty(STDERR_FILENO)),
      start_(Clock::now()) {}

void Console::end() {
  if (!stage_.empty())
    times_.push_back({stage_, seconds(Clock::now() - start_)});
  stage_.clear();
}

void Console::begin(llvm::StringRef stage) {
  end();
  stage_ = stage.str();
  start_ = lastDraw_ = Clock::now();
  if (terminal_)
    llvm::errs() << "\r\033[K" << stage << " ...";
}

void Console::note(const std::string &text) { notes_.push_back(text); }

void Console::draw(double part, const std::string &done) {
  if (!terminal_)
    return;
  Clock::time_point now = Clock::now();
  if (seconds(now - lastDraw_) < 0.1 && part < 1)
    return;
  lastDraw_ = now;
  double elapsed = seconds(now - start_);
  int filled = part * 30;
  llvm::errs() << "\r\033[K" << stage_ << " [" << std::string(filled, '#')
               << std::string(30 - filled, ' ') << "] " << done;
  if (part > 0)
    llvm::errs() << llvm::format(", %.0f s left", elapsed / part - elapsed);
}

void Console::progress(uint64_t done, uint64_t total) {
  if (total == 0)
    return;
  char text[64];
  std::snprintf(text, sizeof text, "%.0f of %.0f MB", done / 1e6, total / 1e6);
  draw(double(done) / total, text);
}

void Console::steps(int64_t done, int64_t total, llvm::StringRef kind) {
  if (total > 0)
    draw(double(done) / total, (kind + " " + llvm::Twine(done) + " of " +
                                llvm::Twine(total))
                                   .str());
}

namespace {
struct Group {
  uint64_t tensors = 0, source = 0, packed = 0;
  double weights = 0;
};
} // namespace

static void printGroup(const std::string &name, const Group &group,
                       bool isPacked) {
  llvm::errs() << llvm::format("  %-22s %5d tensors %8.1f MB ", name.c_str(),
                               int(group.tensors), group.source / 1e6);
  if (isPacked)
    llvm::errs() << llvm::format("source %8.1f MB packed ", group.packed / 1e6);
  llvm::errs() << llvm::format("%6.3f bits per weight\n",
                               8 * group.source / std::max(1.0, group.weights));
}

void Console::summary(const ModuleImage &image, const std::string &path) {
  report(image.weights, true, path);
}

void Console::exported(const std::vector<WeightImage> &weights,
                       const std::string &path) {
  report(weights, false, path);
}

void Console::report(const std::vector<WeightImage> &weights, bool arePacked,
                     const std::string &path) {
  end();
  if (terminal_)
    llvm::errs() << "\r\033[K";
  if (quiet_)
    return;
  std::map<std::string, Group> groups;
  Group all;
  for (const WeightImage &weight : weights) {
    for (Group *group : {&groups[weight.sourceType], &all}) {
      group->tensors += 1;
      group->source += weight.sourceBytes;
      group->packed += arePacked ? weight.bytes() : 0;
      group->weights += double(weight.rows) * weight.columns;
    }
  }
  for (auto &[name, group] : groups)
    printGroup(name, group, arePacked);
  printGroup("all", all, arePacked);
  for (const std::string &note : notes_)
    llvm::errs() << "  " << note << "\n";
  double total = 0;
  llvm::errs() << "  time:";
  for (auto &[stage, time] : times_) {
    llvm::errs() << llvm::format(" %s %.2f s,", stage.c_str(), time);
    total += time;
  }
  llvm::errs() << llvm::format(" in all %.2f s\n", total);
  uint64_t size = 0;
  llvm::sys::fs::file_size(path, size);
  llvm::errs() << llvm::format("  %s: %.1f MB\n", path.c_str(), size / 1e6);
}

} // namespace lowbit
