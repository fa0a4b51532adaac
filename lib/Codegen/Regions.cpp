//===- Regions.cpp - What a profile counts --------------------------------===//

#include "Regions.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lowbit {

/// "attn_q" of "blk.7.attn_q.weight": what a weight is, in any layer.
static StringRef roleOf(StringRef weight) {
  SmallVector<StringRef> parts;
  weight.split(parts, '.');
  for (size_t i = 0; i + 2 < parts.size(); ++i)
    if (llvm::all_of(parts[i + 1], llvm::isDigit))
      return parts[i + 2];
  return parts.front();
}

/// "linear" of the kernel linear.5.
static StringRef kindOf(const KernelCall &call) {
  func::FuncOp kernel = call.kernel;
  return kernel.getSymName().rsplit('.').first;
}

/// "linear attn_q", "rope": kind and roles.
static std::string nameOf(const KernelProgram &program, const KernelCall &call,
                          const WeightTable &weights) {
  SmallVector<StringRef> roles;
  for (int64_t id : call.reads) {
    const Buffer &buffer = program.buffers[id];
    if (buffer.kind != Buffer::Weight)
      continue;
    StringRef role = roleOf(weights.names()[buffer.index]);
    if (!llvm::is_contained(roles, role)) // its bias, its permutation
      roles.push_back(role);
  }
  std::string name = kindOf(call).str();
  return roles.empty() ? name : name + " " + llvm::join(roles, "+");
}

int64_t RegionTable::regionOf(StringRef function, StringRef name, bool isOut) {
  std::string key = (function + "\n" + name + (isOut ? "\nout" : "")).str();
  auto [entry, isNew] = index_.try_emplace(key, regions_.size());
  if (isNew) {
    Region region;
    region.function = function.str();
    region.name = name.str();
    region.isOut = isOut;
    regions_.push_back(std::move(region));
  }
  return entry->second;
}

void RegionTable::addWork(const KernelProgram &program, const KernelCall &call,
                          std::set<int64_t> &seen) {
  Region &region = regions_[call.region];
  ++region.kernels;
  region.rowMacs += call.macs;
  bool gathers = kindOf(call) == "embed"; // its first weight
  for (int64_t id : call.reads) {
    const Buffer &buffer = program.buffers[id];
    region.storeReads += buffer.kind == Buffer::Store;
    if (buffer.kind != Buffer::Weight)
      continue;
    if (gathers)
      region.rowWeights.push_back(buffer.index);
    else if (seen.insert(buffer.index).second)
      region.weights.push_back(buffer.index);
    gathers = false;
  }
  for (const auto *list : {&call.reads, &call.writes})
    for (int64_t id : *list) {
      const Buffer &buffer = program.buffers[id];
      if (buffer.kind == Buffer::Weight || buffer.kind == Buffer::Store ||
          buffer.isWork)
        continue;
      MemRefType type = buffer.type;
      int64_t elements = type.getNumElements() / type.getDimSize(0);
      region.rowBytes += elements * type.getElementTypeBitWidth() / 8;
    }
}

void RegionTable::add(StringRef function, KernelProgram &program,
                      const WeightTable &weights) {
  bool isNew = functions_.try_emplace(function, true).second;
  std::set<int64_t> seen;
  program.betweenRegion = regionOf(function, "between calls");
  program.barrierRegion = regionOf(function, "barrier");
  for (KernelCall &call : program.calls) {
    call.region = regionOf(function, nameOf(program, call, weights),
                           call.count == Count::Out);
    if (isNew)
      addWork(program, call, seen);
  }
}

ArrayAttr RegionTable::attribute(MLIRContext *context) const {
  Builder b(context);
  SmallVector<Attribute> list;
  for (const Region &region : regions_) {
    SmallVector<NamedAttribute> fields;
    auto set = [&](StringRef name, Attribute value) {
      fields.push_back(b.getNamedAttr(name, value));
    };
    set("function", b.getStringAttr(region.function));
    set("name", b.getStringAttr(region.name));
    set("kernels", b.getI64IntegerAttr(region.kernels));
    set("row_bytes", b.getI64IntegerAttr(region.rowBytes));
    set("row_macs", b.getI64IntegerAttr(region.rowMacs));
    set("store_reads", b.getI64IntegerAttr(region.storeReads));
    set("out", b.getBoolAttr(region.isOut));
    set("weights", b.getDenseI64ArrayAttr(region.weights));
    set("row_weights", b.getDenseI64ArrayAttr(region.rowWeights));
    list.push_back(b.getDictionaryAttr(fields));
  }
  return b.getArrayAttr(list);
}

} // namespace lowbit
