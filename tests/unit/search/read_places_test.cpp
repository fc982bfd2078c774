#include "search/read_places.hpp"

#include <archive.h>

#include <atomic>
#include <chrono>

#include "match/codec.hpp"
#include "unit/match/pack.hpp"
#include "unit/search/support.hpp"

namespace cleanerd::search {
namespace {

using match::debian_package;
using match::pack;
using match::Scanner;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ReadPlaces = PlacesTest;

std::string tar_gz(const match::Files& files) { return pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_GZIP, files); }
std::string tar(const match::Files& files) { return pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_NONE, files); }
std::string zip(const match::Files& files) { return pack(&archive_write_set_format_zip, ARCHIVE_FILTER_NONE, files); }

TEST_F(ReadPlaces, FindsTokensAndKnownValuesInNestedDirectories) {
  const std::string token = new_token(), known = new_secret();
  write("a", "see " + token + "\n");
  write("d/e/f/g", known);
  write("d/e/h", "nothing\n");
  write("z/.npmrc", "_password=" + new_secret());
  const Answer answer = read_one("", {known});
  EXPECT_THAT(found(answer), ElementsAre("token a", "known d/e/f/g", "npmrc z/.npmrc"));
  EXPECT_THAT(answer.unread, IsEmpty());
  const Hit& hit = answer.hits[0];
  EXPECT_EQ(hit.begin, 4u);
  EXPECT_EQ(hit.end, 4u + token.size());
  EXPECT_EQ(hit.fingerprint, kFingerprint(SecretValue(token)));
  EXPECT_TRUE(hit.value == SecretValue(token));
  EXPECT_EQ(hit.masked.find(token.substr(4, 8)), std::string::npos);
  EXPECT_EQ(answer.hits[1].fingerprint, kFingerprint(SecretValue(known)));
}

TEST_F(ReadPlaces, ReadsAPlaceThatIsAFile) {
  const std::string known = new_secret();
  write("config", "{\"Env\":[\"A=" + known + "\"]}");
  const Answer answer = read_one("config", {known});
  ASSERT_THAT(found(answer), ElementsAre("known "));
  EXPECT_EQ(answer.hits[0].begin, 11u);
}

TEST_F(ReadPlaces, TakesAFileForAFindingByItsName) {
  write("client.p12", "anything");
  const Answer answer = read_one();
  ASSERT_THAT(found(answer), ElementsAre("store client.p12"));
  EXPECT_EQ(answer.hits[0].end, 0u);
  EXPECT_EQ(answer.hits[0].fingerprint, "");
  EXPECT_FALSE(answer.hits[0].value);
}

TEST_F(ReadPlaces, OpensArchives) {
  const std::string known = new_secret();
  const match::Files files{{"in/a", "x " + known + "\n"}, {"in/b", new_token()}, {"in/c", "nothing"}};
  write("gz", tar_gz(files));
  write("tar", tar(files));
  write("zip", zip(files));
  write("deb", debian_package(files));
  write("nested", tar_gz({{"pool/x.deb", debian_package(files)}}));
  const Answer answer = read_one("", {known});
  EXPECT_THAT(found(answer), ElementsAre("known deb!data.tar.xz!in/a", "token deb!data.tar.xz!in/b", "known gz!in/a", "token gz!in/b",
                                         "known nested!pool/x.deb!data.tar.xz!in/a", "token nested!pool/x.deb!data.tar.xz!in/b",
                                         "known tar!in/a", "token tar!in/b", "known zip!in/a", "token zip!in/b"));
  EXPECT_THAT(answer.unread, IsEmpty());
}

TEST_F(ReadPlaces, OpensAnArchiveThatIsThePlace) {
  write("blob", tar_gz({{"etc/x", new_token()}}));
  EXPECT_THAT(found(read_one("blob")), ElementsAre("token !etc/x"));
}

TEST_F(ReadPlaces, AppliesPathRulesToWhatIsInAnArchive) {
  write("blob", tar_gz({{"root/.npmrc", "_password=" + new_secret()}, {"root/npmrc", "_password=" + new_secret()}}));
  EXPECT_THAT(found(read_one("blob")), ElementsAre("npmrc !root/.npmrc"));
}

TEST_F(ReadPlaces, FindsWhatStandsAcrossTheEdgesOfBuffers) {
  const std::string known = new_secret();
  std::vector<std::string> expected;
  int number = 100;
  for (const std::size_t edge : {Scanner::kOverlap, Scanner::kChunk, Scanner::kChunk + Scanner::kOverlap, 2 * Scanner::kChunk,
                                 2 * Scanner::kChunk + Scanner::kOverlap}) {
    for (const std::size_t before : {0u, 1u, 13u, 25u, 26u}) {
      std::string bytes = filler(3 * Scanner::kChunk);
      const std::string token = "\n" + new_token() + "\n";
      bytes.replace(edge - 1 - before, token.size(), token);
      bytes.replace(edge + Scanner::kChunk / 2 - before, known.size(), known);
      const std::string name = std::to_string(number++);
      write("plain/" + name, bytes);
      if (before == 13) write("packed/" + name, tar_gz({{"m", bytes}}));
      expected.push_back("token " + name);
      expected.push_back("known " + name);
    }
  }
  EXPECT_EQ(found(read_one("plain", {known})), expected);
  EXPECT_THAT(read_one("packed", {known}).hits, SizeIs(10));
}

TEST_F(ReadPlaces, FindsWhatStandsInTheLastBytes) {
  const std::string known = new_secret();
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, Scanner::kChunk + Scanner::kOverlap - 26, 2 * Scanner::kChunk}) {
    write("t" + std::to_string(size), filler(size / 2 * 2) + "\n" + new_token());
    write("k" + std::to_string(size), filler(size) + known);
  }
  write("z", zip({{"m", filler(70000) + "\n" + new_token()}}));
  EXPECT_THAT(read_one("", {known}).hits, SizeIs(9));
}

TEST_F(ReadPlaces, AnswersInTheOrderOfThePaths) {
  const std::string known = new_secret();
  std::vector<std::string> places;
  for (int i = 0; i < 30; ++i) {
    write("p" + std::to_string(i) + "/f" + std::to_string(i), known);
    places.push_back(path("p" + std::to_string((i * 7) % 30)));
  }
  const auto answers = read(places, {known}, {.threads = 3, .unpack = {}, .stop = {}, .on_bytes = {}});
  ASSERT_EQ(answers.size(), places.size());
  for (std::size_t i = 0; i < places.size(); ++i) EXPECT_THAT(found(answers[i]), ElementsAre("known f" + places[i].substr(path("p").size())));
}

TEST_F(ReadPlaces, HasAnEmptyAnswerForAPlaceThatVanished) {
  write("there/f", new_token());
  const auto answers = read({path("gone"), path("there"), path("there/f/g")});
  EXPECT_EQ(text_of(answers[0]), text_of(Answer{}));
  EXPECT_THAT(answers[1].hits, SizeIs(1));
  EXPECT_EQ(text_of(answers[2]), text_of(Answer{}));
}

TEST_F(ReadPlaces, CountsTheBytesThatItSearched) {
  write("a", filler(1000));
  write("b", filler(2 * Scanner::kChunk + 5));
  std::atomic<std::uint64_t> told = 0;
  const Answer answer = read_one("", {}, {.threads = 1, .unpack = {}, .stop = {}, .on_bytes = [&](std::uint64_t bytes) { told += bytes; }});
  EXPECT_EQ(answer.bytes, 1000u + 2 * Scanner::kChunk + 5);
  EXPECT_EQ(told, answer.bytes);
}

TEST_F(ReadPlaces, CountsUnpackedBytesOnce) {
  write("a", tar_gz({{"x", filler(300'000)}, {"y", filler(1)}}));
  EXPECT_EQ(read_one().bytes, 300'001u);
}

TEST_F(ReadPlaces, SaysWhatABombKeptUnread) {
  match::UnpackLimits limits;
  limits.max_bytes = 1 << 20;
  write("bomb.gz", pack(&archive_write_set_format_raw, ARCHIVE_FILTER_GZIP, {{"x", std::string(8 << 20, 'x') + new_token()}}));
  write("f", new_token());
  const Answer answer = read_one("", {}, {.threads = 1, .unpack = limits, .stop = {}, .on_bytes = {}});
  EXPECT_THAT(found(answer), ElementsAre("token f"));
  ASSERT_THAT(answer.unread, SizeIs(1));
  EXPECT_EQ(answer.unread[0].file, "bomb.gz");
  EXPECT_EQ(answer.unread[0].reason, "it unpacks to more than 1 MiB");
}

TEST_F(ReadPlaces, SaysThatAnArchiveIsEncrypted) {
  std::string bytes = zip({{"a", new_token()}});
  bytes[6] = static_cast<char>(bytes[6] | 1);  // general purpose bit 0 of the local header (APPNOTE 4.4.4)
  write("e.zip", bytes);
  const Answer answer = read_one();
  ASSERT_THAT(answer.unread, SizeIs(1));
  EXPECT_EQ(answer.unread[0].reason, "it is encrypted");
}

TEST_F(ReadPlaces, SearchesADamagedArchiveAsItIs) {
  const std::string known = new_secret();
  write("no.zip", std::string("PK\x03\x04", 4) + filler(600) + "\n" + new_token() + "\n");
  write("no.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10) + filler(600) + known);
  std::string cut = tar({{"a", filler(5000) + known + filler(20000)}});
  cut.resize(9000);
  write("cut.tar", cut);
  const Answer answer = read_one("", {known});
  EXPECT_THAT(answer.unread, IsEmpty());
  const auto all = found(answer);
  EXPECT_THAT(all, ::testing::IsSupersetOf({"token no.zip", "known no.gz"}));
  EXPECT_TRUE(std::ranges::any_of(all, [](const std::string& one) { return one.starts_with("known cut.tar"); }));
}

TEST_F(ReadPlaces, FindsTheSameWithSeveralThreads) {
  const std::string known = new_secret();
  for (int i = 0; i < 25; ++i) {
    for (int j = 0; j < 25; ++j) write("large/" + std::to_string(i) + "/" + std::to_string(j) + "/f", j % 5 == 0 ? known : new_token());
    write("small" + std::to_string(i) + "/a", i % 2 == 0 ? tar_gz({{"x", known}}) : filler(300'000) + "\n" + new_token());
  }
  std::vector<std::string> places{path("large")};
  for (int i = 0; i < 25; ++i) places.push_back(path("small" + std::to_string(i)));
  const auto one = read(places, {known});
  for (const std::size_t threads : {2u, 5u}) {
    const auto several = read(places, {known}, {.threads = threads, .unpack = {}, .stop = {}, .on_bytes = {}});
    for (std::size_t i = 0; i < places.size(); ++i) EXPECT_EQ(text_of(several[i]), text_of(one[i])) << threads << " " << i;
  }
  EXPECT_THAT(one[0].hits, SizeIs(625));
}

TEST_F(ReadPlaces, EndsSoonWhenItIsToStop) {
  for (int i = 0; i < 300; ++i) write("d" + std::to_string(i % 10) + "/f" + std::to_string(i), filler(200'000));
  write("archive/a", tar_gz({{"x", std::string(64 << 20, 'x')}}));
  write("file", filler(64 << 20));
  for (const std::size_t threads : {1u, 2u}) {
    for (const char* place : {"", "archive", "file"}) {
      std::stop_source stop;
      std::atomic<std::uint64_t> told = 0;
      read_one(place, {}, {.threads = threads, .unpack = {}, .stop = stop.get_token(), .on_bytes = [&](std::uint64_t bytes) {
        told += bytes;
        stop.request_stop();
      }});
      EXPECT_GT(told, 0u);
      EXPECT_LT(told, 2u << 20) << place;
    }
  }
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(read_one("", {}, {.threads = 2, .unpack = {}, .stop = stopped.get_token(), .on_bytes = {}}).bytes, 0u);
}

TEST_F(ReadPlaces, SaysHowManyHitsItLeftOut) {
  std::string many;
  for (std::size_t i = 0; i < kMaxHits + 7; ++i) many += new_token() + "\n";
  write("f", many);
  const Answer answer = read_one();
  EXPECT_THAT(answer.hits, SizeIs(kMaxHits));
  EXPECT_EQ(answer.left_out, 7u);
}

TEST_F(ReadPlaces, TellsWhichValuesTheRulesFindEverywhere) {
  write("a", new_token());
  write("b", ":_authToken=" + new_secret());
  const Answer answer = read_one();
  ASSERT_THAT(found(answer), ElementsAre("token a", "registry b"));
  EXPECT_TRUE(answer.hits[0].anywhere);
  EXPECT_FALSE(answer.hits[1].anywhere);  // its name stands before it here only
}

TEST(ReadTexts, NamesTheTextByItsNumber) {
  const std::string known = new_secret(), first = "A=" + known, second = "x " + new_token();
  const match::Matcher rules = matcher_of(some_rules()), values = matcher_of({}, {SecretValue(known)});
  const std::vector<const match::Matcher*> matchers{&values, &rules};
  const Texts some{"nothing", first, "", second}, none, other{second};
  const std::vector<const Texts*> all{&some, &none, &other};
  const auto answers = read_texts(all, matchers, kFingerprint);
  ASSERT_THAT(answers, SizeIs(3));
  EXPECT_THAT(found(answers[0]), ElementsAre("known 1", "token 3"));
  EXPECT_EQ(answers[0].hits[0].begin, 2u);
  EXPECT_THAT(answers[1].hits, IsEmpty());
  EXPECT_THAT(found(answers[2]), ElementsAre("token 0"));
}

}  // namespace
}  // namespace cleanerd::search
