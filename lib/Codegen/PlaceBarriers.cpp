//===- PlaceBarriers.cpp - Who must wait for whom -------------------------===//

#include "lowbit/Codegen/KernelCall.h"

namespace lowbit {

namespace {

/// A part of memory that several workers see.
struct Access {
  int64_t buffer;
  Buffer::Kind space;   ///< Shared, Store or Argument
  int64_t begin, end;   ///< bytes of the arena, layers of the store, or the
                        ///< number of an argument: a result may be read again
  bool writes;
  Split split;
  Count count;
};

} // namespace

static std::vector<Access> accessesOf(const KernelProgram &program,
                                      const KernelCall &call) {
  std::vector<Access> result;
  auto note = [&](int64_t id, bool writes) {
    const Buffer &buffer = program.buffers[id];
    if (buffer.kind == Buffer::Shared)
      result.push_back({id, buffer.kind, buffer.offset,
                        buffer.offset + buffer.bytes(), writes, call.split,
                        call.count});
    else if (buffer.kind == Buffer::Store)
      result.push_back({id, buffer.kind, call.layer, call.layer + 1, writes,
                        call.split, call.count});
    else if (buffer.kind == Buffer::Argument)
      result.push_back({id, buffer.kind, buffer.index, buffer.index + 1,
                        writes, call.split, call.count});
  };
  for (int64_t id : call.reads)
    note(id, false);
  for (int64_t id : call.writes)
    note(id, true);
  return result;
}

static bool conflict(const Access &a, const Access &b) {
  if (a.space != b.space || a.end <= b.begin || b.end <= a.begin)
    return false;
  if (!a.writes && !b.writes)
    return false;
  // The same rows of the same buffer belong to the same worker.
  bool sameRows = a.buffer == b.buffer && a.split == Split::Rows &&
                  b.split == Split::Rows && a.count == b.count;
  return !sameRows;
}

void placeBarriers(KernelProgram &program) {
  std::vector<Access> sinceBarrier;
  for (KernelCall &call : program.calls) {
    std::vector<Access> mine = accessesOf(program, call);
    call.barrierBefore = llvm::any_of(mine, [&](const Access &a) {
      return llvm::any_of(sinceBarrier,
                          [&](const Access &b) { return conflict(a, b); });
    });
    if (call.barrierBefore)
      sinceBarrier.clear();
    sinceBarrier.insert(sinceBarrier.end(), mine.begin(), mine.end());
  }
}

} // namespace lowbit
