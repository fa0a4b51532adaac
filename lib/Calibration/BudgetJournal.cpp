//===- BudgetJournal.cpp - What a budget run has measured -----------------===//

#include "BudgetJournal.h"

#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>

namespace lowbit {

BudgetJournal::BudgetJournal(std::string path) : path_(std::move(path)) {
  auto file = llvm::MemoryBuffer::getFile(path_);
  if (!file)
    return;
  auto parsed = llvm::json::parse((*file)->getBuffer());
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return;
  }
  if (const llvm::json::Object *object = parsed->getAsObject())
    sections_ = *object;
}

std::optional<double> BudgetJournal::get(llvm::StringRef section,
                                         llvm::StringRef row,
                                         llvm::StringRef column) const {
  const llvm::json::Object *rows = sections_.getObject(section);
  const llvm::json::Object *columns = rows ? rows->getObject(row) : nullptr;
  std::optional<double> value =
      columns ? columns->getNumber(column) : std::nullopt;
  return value && std::isfinite(*value) ? value : std::nullopt;
}

static llvm::json::Object &within(llvm::json::Object &object,
                                  llvm::StringRef key) {
  if (!object.getObject(key))
    object[key.str()] = llvm::json::Object();
  return *object.getObject(key);
}

void BudgetJournal::set(llvm::StringRef section, llvm::StringRef row,
                        llvm::StringRef column, double value) {
  within(within(sections_, section), row)[column.str()] = value;
}

llvm::Error BudgetJournal::save() const {
  llvm::Error error =
      llvm::writeToOutput(path_, [&](llvm::raw_ostream &os) -> llvm::Error {
        os << llvm::formatv("{0:2}\n",
                            llvm::json::Value(llvm::json::Object(sections_)));
        return llvm::Error::success();
      });
  if (!error)
    return error;
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "cannot write " + path_ + ": " +
                                     llvm::toString(std::move(error)));
}

} // namespace lowbit
