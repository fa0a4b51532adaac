//===- WorkFolderTest.cpp - Tests of WorkFolder.h -------------------------===//

#include "WorkFolder.h"

#include "Samples.h"

using namespace lowbit;
using namespace lowbit::test;

namespace {

class WorkFolderTest : public testing::Test {
protected:
  WorkFolderTest() {
    options_.recipe.tensors = {{".*", "Q4_0", Algorithm::GPTQ}};
    options_.recipe.calibration.path = folder_.write("text.txt", "a text");
    options_.compile.activations = "int8";
    source_.add("w", 2, 4, {1, 2, 3, 4, 5, 6, 7, 8});
  }

  /// Layers that a run of `options` finds finished; leaves what it finds.
  int64_t finished(const QuantizeOptions &options, const ModelSource &source) {
    std::string path = folder_.path + "/copy", from = work() + "/progress.json";
    llvm::sys::fs::remove_directories(path);
    llvm::sys::fs::create_directories(path);
    llvm::sys::fs::copy_file(from, path + "/progress.json");
    WorkFolder folder(path);
    llvm::Error error = folder.open(options, source);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
    return folder.finishedLayers();
  }

  void finish(int64_t layers) {
    WorkFolder folder(work());
    ASSERT_FALSE(bool(folder.open(options_, source_)));
    ASSERT_FALSE(bool(folder.finish(layers)));
  }

  std::string work() const { return folder_.path + "/work"; }

  Folder folder_;
  QuantizeOptions options_;
  MemorySource source_;
};

} // namespace

TEST_F(WorkFolderTest, goes_on) {
  finish(3);
  EXPECT_EQ(finished(options_, source_), 3);
}

TEST_F(WorkFolderTest, names_and_folders_do_not_matter) {
  finish(3);
  options_.recipe.name = "another";
  options_.threads = 7;
  options_.recipe.calibration.path = folder_.write("same.txt", "a text");
  EXPECT_EQ(finished(options_, source_), 3);
}

TEST_F(WorkFolderTest, everything_else_does) {
  finish(3);
  auto change = [&](auto edit) {
    QuantizeOptions options = options_;
    edit(options);
    return finished(options, source_);
  };
  using Options = QuantizeOptions &;
  EXPECT_EQ(change([](Options o) { o.recipe.tensors[0].match = ".+"; }), 0);
  EXPECT_EQ(change([](Options o) { o.recipe.tensors[0].scheme = "Q4_1"; }), 0);
  EXPECT_EQ(change([](Options o) {
              o.recipe.tensors[0].algorithm = Algorithm::Search;
            }),
            0);
  EXPECT_EQ(change([](Options o) { o.recipe.tensors.pop_back(); }), 0);
  EXPECT_EQ(change([](Options o) { o.recipe.rotate = ".*"; }), 0);
  EXPECT_EQ(change([](Options o) { o.recipe.scale = Scaling::AWQ; }), 0);
  EXPECT_EQ(change([](Options o) { o.recipe.alpha = 0.25; }), 0);
  EXPECT_EQ(change([](Options o) { o.compile.activations = "bf16"; }), 0);
  EXPECT_EQ(change([](Options o) { o.recipe.calibration.sequences = 1; }), 0);
  EXPECT_EQ(change([](Options o) { o.recipe.calibration.length = 9; }), 0);
  EXPECT_EQ(change([](Options o) { o.recipe.calibration.seed = 2; }), 0);
  folder_.write("text.txt", "another text");
  EXPECT_EQ(finished(options_, source_), 0);
}

TEST_F(WorkFolderTest, another_model) {
  finish(3);
  MemorySource values, names;
  values.add("w", 2, 4, {1, 2, 3, 4, 5, 6, 7, 9});
  names.add("v", 2, 4, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(finished(options_, values), 0);
  EXPECT_EQ(finished(options_, names), 0);
}

// Its files are overwritten from then on, whoever comes next.
TEST_F(WorkFolderTest, a_run_for_something_else_ends_it) {
  finish(3);
  QuantizeOptions other = options_;
  other.recipe.rotate = ".*";
  WorkFolder folder(work());
  ASSERT_FALSE(bool(folder.open(other, source_)));
  EXPECT_EQ(finished(options_, source_), 0);
}

TEST_F(WorkFolderTest, damaged_progress) {
  finish(3);
  std::string good, path = work() + "/progress.json";
  std::ifstream stream(path);
  std::getline(stream, good, '\0');
  auto withLayers = [&](const std::string &layers) {
    std::string text = good, old = "\"layers\": 3";
    return text.replace(text.find(old), old.size(), "\"layers\": " + layers);
  };
  ASSERT_EQ(withLayers("3"), good);
  for (const std::string &text :
       {std::string(), std::string("{"), std::string("[]"),
        good.substr(0, good.size() / 2), withLayers("-3"), withLayers("[]"),
        withLayers("1e400")}) {
    std::ofstream(path) << text;
    EXPECT_EQ(finished(options_, source_), 0) << text;
  }
}

TEST_F(WorkFolderTest, a_file_in_its_place) {
  WorkFolder folder(folder_.write("file", ""));
  llvm::Error error = folder.open(options_, source_);
  ASSERT_TRUE(bool(error));
  EXPECT_NE(llvm::toString(std::move(error)).find("cannot make the work"),
            std::string::npos);
}
