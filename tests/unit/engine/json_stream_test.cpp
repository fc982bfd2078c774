#include "engine/json_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/bodies.hpp"

namespace cleanerd::engine {
namespace {

using test::LongBody;
using test::PartsBody;
using ::testing::HasSubstr;
using ::testing::Not;

struct Read {
  std::vector<std::string> elements;  // each as compact JSON
  std::optional<Error> error;
};

Read read(Body& body, std::string_view key) {
  Read result;
  const Status status = for_each_element(body, key, [&](const nlohmann::json& element) -> Status {
    result.elements.push_back(element.dump());
    return {};
  });
  if (!status) result.error = status.error();
  return result;
}

Read read(std::string text, std::string_view key = "") {
  PartsBody body({std::move(text)});
  return read(body, key);
}

using Elements = std::vector<std::string>;

TEST(ForEachElement, HandsOverTheElementsOfTheWantedList) {
  struct Row {
    const char* name;
    const char* key;
    const char* text;
    Elements expected;
  };
  const Row rows[] = {
      {"top-level list", "", R"([{"a":1},{"b":[2,{"c":null}]}])", {R"({"a":1})", R"({"b":[2,{"c":null}]})"}},
      {"scalars", "", R"(["x",1,-2,3.5,true,null])", {R"("x")", "1", "-2", "3.5", "true", "null"}},
      {"lists in the list", "", "[[1,[2]],[]]", {"[1,[2]]", "[]"}},
      {"empty list", "", "[]", {}},
      {"null for an empty list", "", "null", {}},
      {"blanks everywhere", "", " \n[ 1 ,\t2 ] \n", {"1", "2"}},
      {"list under a key", "L", R"({"L":[1,2]})", {"1", "2"}},
      {"null under the key", "L", R"({"L":null,"M":[3]})", {}},
      {"others before and after it", "L", R"({"A":{"x":[9]},"B":[8,[7]],"C":"s","D":null,"L":[1],"E":[6]})", {"1"}},
      {"the same key deeper down", "L", R"({"A":{"L":[9]},"B":[{"L":[8]}],"L":[{"L":[7]}],"C":{"L":[6]}})", {R"({"L":[7]})"}},
      {"the same key, null, deeper down", "L", R"({"A":{"L":null},"L":[1]})", {"1"}},
      {"the key as a value", "L", R"({"A":"L","B":[5],"L":[1]})", {"1"}},
      {"escapes in the key", "L", R"({"\u004c":[1]})", {"1"}},
      {"object after object in lists", "L", R"({"L":[{},{"a":{}},[[]]]})", {"{}", R"({"a":{}})", "[[]]"}},
  };
  for (const Row& row : rows) {
    const Read result = read(row.text, row.key);
    EXPECT_FALSE(result.error) << row.name << ": " << result.error->message();
    EXPECT_EQ(result.elements, row.expected) << row.name;
  }
}

TEST(ForEachElement, RefusesOtherShapes) {
  struct Row {
    const char* name;
    const char* key;
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"nothing at all", "", "", "malformed JSON"},
      {"an object for a list", "", "{}", "a JSON list was expected"},
      {"a number for a list", "", "1", "a JSON list was expected"},
      {"a list for an object", "L", "[1]", "a JSON object was expected"},
      {"null for an object", "L", "null", "a JSON object was expected"},
      {"a text for an object", "L", R"("L")", "a JSON object was expected"},
      {"no such key", "L", R"({"A":[1]})", "the answer has no 'L'"},
      {"only deeper down", "L", R"({"A":{"L":[1]}})", "the answer has no 'L'"},
      {"an object under the key", "L", R"({"L":{"a":1}})", "'L' is not a list"},
      {"a text under the key", "L", R"({"L":"x"})", "'L' is not a list"},
      {"a number under the key", "L", R"({"L":5})", "'L' is not a list"},
      {"cut in an element", "", R"([{"a":1},{"b")", "malformed JSON"},
      {"cut between elements", "", R"([{"a":1},)", "malformed JSON"},
      {"cut before the end", "L", R"({"L":[1])", "malformed JSON"},
      {"something behind it", "", "[1] [2]", "malformed JSON"},
      {"HTML", "", "<html>busy</html>", "malformed JSON"},
      {"invalid UTF-8", "", "[\"\xff\"]", "malformed JSON"},
      {"a bare word", "", "[tru]", "malformed JSON"},
      {"a trailing comma", "", "[1,]", "malformed JSON"},
  };
  for (const Row& row : rows) {
    const Read result = read(row.text, row.key);
    ASSERT_TRUE(result.error) << row.name;
    EXPECT_EQ(result.error->code(), Errc::protocol) << row.name;
    EXPECT_THAT(result.error->message(), HasSubstr(row.message)) << row.name;
  }
}

TEST(ForEachElement, NeverQuotesWhatItCouldNotRead) {
  for (const char* text : {"[\"hunter2xyz", "[hunter2xyz]", "{\"hunter2xyz\":", "[{\"a\":\"hunter2xyz\"} x]", "[\"hunter2xyz\\q\"]",
                           "[1hunter2xyz]", "[\"hunter2xyz\xff\"]"}) {
    const Read result = read(text);
    ASSERT_TRUE(result.error) << text;
    EXPECT_THAT(result.error->message(), Not(HasSubstr("hunter2"))) << text;
  }
}

TEST(ForEachElement, ReadsTheSameWhereverTheBytesAreCut) {
  const std::string text =
      R"( {"A":[{"L":[0]}],"L":[{"k":"ä\u00e4\\\"","n":-1.5e3,"o":{"p":[true,null]}},"日本",[],7],"Z":{}} )";
  const Read whole = read(text, "L");
  ASSERT_FALSE(whole.error);
  ASSERT_EQ(whole.elements.size(), 4u);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    PartsBody body({text.substr(0, cut), text.substr(cut)});
    const Read result = read(body, "L");
    ASSERT_FALSE(result.error) << cut;
    ASSERT_EQ(result.elements, whole.elements) << cut;
  }
  std::vector<std::string> bytes;
  for (const char c : text) bytes.emplace_back(1, c);
  PartsBody body(bytes);
  EXPECT_EQ(read(body, "L").elements, whole.elements);
}

TEST(ForEachElement, ReportsATruncatedAnswerAtEveryLength) {
  const std::string text = R"({"L":[{"k":"v"},{"k":2}]})";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const Read result = read(text.substr(0, length), "L");
    ASSERT_TRUE(result.error) << length;
    EXPECT_EQ(result.error->code(), Errc::protocol) << length;
  }
}

TEST(ForEachElement, PassesTheBodysErrorOnWhereverItHappens) {
  const std::string text = R"({"L":[{"k":"v"},{"k":2}]})";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    PartsBody body({text.substr(0, length)}, Error(Errc::timeout, "no answer in 30 s"));
    const Read result = read(body, "L");
    ASSERT_TRUE(result.error) << length;
    EXPECT_EQ(result.error->code(), Errc::timeout) << length;
  }
}

TEST(ForEachElement, EndsWithTheFirstErrorOfTheCallback) {
  PartsBody body({"[1,2,3]"});
  int seen = 0;
  const Status status = for_each_element(body, "", [&](const nlohmann::json&) -> Status {
    if (++seen == 2) return Error(Errc::cancelled, "enough");
    return {};
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), Errc::cancelled);
  EXPECT_EQ(seen, 2);
}

TEST(ForEachElement, RefusesDeepNestingInsideAndOutsideTheList) {
  const std::string deep = std::string(100000, '[');
  EXPECT_THAT(read(deep).error->message(), HasSubstr("nested deeper"));
  EXPECT_THAT(read(R"({"A":)" + deep, "L").error->message(), HasSubstr("nested deeper"));
  EXPECT_THAT(read(R"({"L":[)" + deep, "L").error->message(), HasSubstr("nested deeper"));
  EXPECT_FALSE(read(std::string(kMaxDepth, '[') + std::string(kMaxDepth, ']')).error);
}

TEST(ForEachElement, RefusesAnElementThatIsTooLarge) {
  struct Row {
    const char* name;
    const char* key;
    const char* head;
    const char* filler;
  };
  const Row rows[] = {
      {"one endless text", "", "[\"", "x"},
      {"one endless number", "", "[1", "1"},
      {"an object without end, of small members", "", "[{\"a\":1", ",\"a\":1"},
      {"a list without end in an element", "L", "{\"L\":[[1", ",1"},
      {"blanks without end", "", "[", " "},
      {"an endless text beside the list", "L", "{\"A\":\"", "x"},
  };
  for (const Row& row : rows) {
    LongBody body(row.head, row.filler, 1 << 16);
    const Status status = for_each_element(body, row.key, [](const nlohmann::json&) { return Status(); }, 1 << 12);
    ASSERT_FALSE(status) << row.name;
    EXPECT_EQ(status.error().code(), Errc::too_large) << row.name << ": " << status.error().message();
    EXPECT_THAT(status.error().message(), HasSubstr("4.0 KiB")) << row.name;
  }
}

TEST(ForEachElement, HasNoLimitForTheNumberOfElementsOrForWhatItSkips) {
  struct Row {
    const char* name;
    const char* head;
    const char* filler;
    std::size_t at_least;
  };
  for (const Row& row : {Row{"elements", "{\"L\":[{\"k\":\"v\"}", ",{\"k\":\"v\"}", 5000}, Row{"scalars", "{\"L\":[1", ",1", 30000},
                         Row{"another list", "{\"L\":[1],\"M\":[1", ",1", 1}}) {
    std::size_t count = 0;
    LongBody body(row.head, row.filler, 1 << 16);
    const Status status = for_each_element(body, "L", [&](const nlohmann::json&) { return ++count, Status(); }, 1 << 12);
    EXPECT_EQ(status.error().code(), Errc::protocol) << row.name << " is cut in the end, not too large";
    EXPECT_GE(count, row.at_least) << row.name;
  }
}

TEST(ForEachElement, TakesAnElementJustBelowTheLimit) {
  const auto nothing = [](const nlohmann::json&) { return Status(); };
  const std::string text = "\"" + std::string(4000, 'x') + "\"";
  PartsBody body({"[" + text + "," + text + ",{\"k\":" + text + "}," + text + "]"});
  EXPECT_TRUE(for_each_element(body, "", nothing, 1 << 12));
}

TEST(ReadDocument, ReadsAWholeDocumentFromItsParts) {
  PartsBody body({"{\"a\"", ":[1", "]}"});
  const auto document = read_document(body);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->dump(), R"({"a":[1]})");
}

TEST(ReadDocument, ReportsWhatIsNoDocument) {
  PartsBody malformed({"{\"hunter2xyz"});
  const auto result = read_document(malformed);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::protocol);
  EXPECT_THAT(result.error().message(), Not(HasSubstr("hunter2")));
  PartsBody empty({});
  EXPECT_FALSE(read_document(empty));
  PartsBody broken({"{}"}, Error(Errc::timeout, "late"));
  EXPECT_EQ(read_document(broken).error().code(), Errc::timeout);
  LongBody endless("[1", ",1", 4 * kMaxElementBytes);
  EXPECT_EQ(read_document(endless).error().code(), Errc::too_large);
  PartsBody deep({std::string(100000, '[') + std::string(100000, ']')});
  EXPECT_EQ(read_document(deep).error().code(), Errc::protocol);
}

}  // namespace
}  // namespace cleanerd::engine
