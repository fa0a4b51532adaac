//===- PlanScratch.cpp - Offsets in the arena by liveness -----------------===//

#include "lowbit/Codegen/KernelCall.h"

using namespace mlir;

namespace lowbit {

int64_t Buffer::bytes() const {
  int64_t bits = type.getElementTypeBitWidth();
  // Vectors of a tail may be loaded whole behind the last row: 64 bytes spare.
  int64_t bytes = type.getNumElements() * bits / 8 + 64;
  return (bytes + 63) / 64 * 64;
}

/// A buffer stays taken for some calls behind its last reader: if the next
/// kernel overwrote it, a barrier would have to wait for slow readers. Four
/// calls reach past the next barrier that is there anyway (SmolLM2, decoding:
/// 241 barriers a token without this, 181 with).
constexpr int64_t kCoolDown = 4;

static void markLives(KernelProgram &program) {
  for (auto [i, call] : llvm::enumerate(program.calls))
    for (const auto *list : {&call.reads, &call.writes})
      for (int64_t id : *list) {
        Buffer &buffer = program.buffers[id];
        if (buffer.firstCall < 0)
          buffer.firstCall = i;
        buffer.lastCall = i;
      }
}

void planScratch(KernelProgram &program) {
  markLives(program);
  std::vector<Buffer *> order;
  for (Buffer &buffer : program.buffers)
    if ((buffer.kind == Buffer::Shared || buffer.kind == Buffer::Private) &&
        buffer.firstCall >= 0)
      order.push_back(&buffer);
  llvm::stable_sort(order, [](const Buffer *a, const Buffer *b) {
    return a->firstCall < b->firstCall;
  });
  std::vector<Buffer *> placed;
  for (Buffer *buffer : order) {
    // First fit among the buffers of the same arena that live at the same time.
    std::vector<Buffer *> rivals;
    for (Buffer *other : placed)
      if (other->kind == buffer->kind &&
          other->lastCall + (other->kind == Buffer::Shared ? kCoolDown : 0) >=
              buffer->firstCall)
        rivals.push_back(other);
    llvm::sort(rivals, [](const Buffer *a, const Buffer *b) {
      return a->offset < b->offset;
    });
    int64_t offset = 0;
    for (Buffer *rival : rivals) {
      if (offset + buffer->bytes() <= rival->offset)
        break;
      offset = std::max(offset, rival->offset + rival->bytes());
    }
    buffer->offset = offset;
    int64_t &size = buffer->kind == Buffer::Shared ? program.sharedBytes
                                                   : program.privateBytes;
    size = std::max(size, offset + buffer->bytes());
    placed.push_back(buffer);
  }
}

} // namespace lowbit
