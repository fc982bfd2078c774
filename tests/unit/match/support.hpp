// Shared by the tests of lib/match.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "match/load_rules.hpp"
#include "match/matcher.hpp"

namespace cleanerd::match {

Matcher matcher_of(RuleSet rules, std::vector<SecretValue> known = {});
Matcher matcher_of_text(const std::string& yaml, std::vector<SecretValue> known = {});
Scanner scanner_of(const Matcher& matcher);

std::vector<Match> scan(Scanner& scanner, std::string_view path, std::string_view bytes);
// The same through room(), filled() and finish(), `piece` bytes at a time.
std::vector<Match> stream(Scanner& scanner, std::string_view path, std::string_view bytes, std::size_t piece);

// Words and line ends in which no rule finds anything.
std::string filler(std::size_t size);
std::string wide(std::string_view text);  // UTF-16LE

// Which of `texts` Vectorscan finds the pattern in.
std::vector<bool> vectorscan_finds(const std::string& pattern, const std::vector<std::string>& texts);

}  // namespace cleanerd::match
