#include "base/time.hpp"

#include <charconv>
#include <cstdio>
#include <utility>

namespace cleanerd {
namespace {

using namespace std::chrono;

std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc{} || end != text.data() + digits || text[0] == '-') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<milliseconds> take_fraction(std::string_view& text) {
  int value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits)
    if (digits < 3) value = value * 10 + (text[digits] - '0');
  if (digits == 0) return std::nullopt;
  for (std::size_t i = digits; i < 3; ++i) value *= 10;
  text.remove_prefix(digits);
  return milliseconds(value);
}

std::optional<milliseconds> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return milliseconds(0);
  const bool behind = !text.empty() && text.front() == '-';
  if (!behind && (text.empty() || text.front() != '+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hour = take_number(text, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  const milliseconds offset = hours(*hour) + minutes(*minute);
  return behind ? -offset : offset;
}

// hh[:mm[:ss[.fraction]]], all of it but the fraction when `complete`.
std::optional<milliseconds> take_time(std::string_view& text, bool complete) {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23) return std::nullopt;
  milliseconds time = hours(*hour);
  if (!take(text, ':')) return complete ? std::nullopt : std::optional(time);
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  time += minutes(*minute);
  if (!take(text, ':')) return complete ? std::nullopt : std::optional(time);
  const auto second = take_number(text, 2);
  if (!second || *second > 60) return std::nullopt;
  time += seconds(*second);
  if (!take(text, '.')) return time;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  return time + *fraction;
}

// A date, a time and an offset. Only the date must be there unless `complete`; without an offset it is UTC.
std::optional<Instant> parse_date_time(std::string_view text, bool complete) {
  const auto year_number = take_number(text, 4);
  if (!year_number || !take(text, '-')) return std::nullopt;
  const auto month_number = take_number(text, 2);
  if (!month_number || !take(text, '-')) return std::nullopt;
  const auto day_number = take_number(text, 2);
  if (!day_number) return std::nullopt;
  const year_month_day date{year(*year_number), month(static_cast<unsigned>(*month_number)),
                            day(static_cast<unsigned>(*day_number))};
  if (!date.ok()) return std::nullopt;
  Instant instant = time_point_cast<milliseconds>(sys_days(date));
  if (take(text, 'T') || take(text, 't')) {
    const auto time = take_time(text, complete);
    if (!time) return std::nullopt;
    instant += *time;
  } else if (complete) {
    return std::nullopt;
  }
  if (text.empty() && !complete) return instant;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  return instant - *offset;
}

}  // namespace

std::optional<Instant> parse_rfc3339(std::string_view text) {
  const auto instant = parse_date_time(text, true);
  if (instant && *instant <= Instant(sys_days(year(1) / 12 / 31))) return std::nullopt;
  return instant;
}

std::string format_rfc3339(Instant instant) {
  const auto day_point = floor<days>(instant);
  const year_month_day date(day_point);
  const hh_mm_ss time(instant - day_point);
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return buffer;
}

std::optional<Duration> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text == "0") return Duration(0);
  double total = 0;
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !(number >= 0 && number < 1e17)) return std::nullopt;  // from_chars reads "nan" and "inf", too
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::size_t unit_length = std::min(text.find_first_of("0123456789."), text.size());
    const std::string_view unit = text.substr(0, unit_length);
    if (unit == "ns") total += number / 1e6;
    else if (unit == "us" || unit == "µs" || unit == "μs") total += number / 1e3;
    else if (unit == "ms") total += number;
    else if (unit == "s") total += number * 1e3;
    else if (unit == "m") total += number * 60e3;
    else if (unit == "h") total += number * 3600e3;
    else if (unit == "d") total += number * 86400e3;
    else return std::nullopt;
    text.remove_prefix(unit_length);
  }
  if (total > 3.2e13) return std::nullopt;  // a thousand years: a slip of the pen, not a duration
  return Duration(static_cast<Duration::rep>(total));
}

std::string format_duration(Duration duration) {
  static constexpr std::pair<std::int64_t, const char*> kUnits[] = {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}};
  std::string out;
  std::int64_t left = duration.count();
  for (const auto& [unit, name] : kUnits) {
    if (left >= unit) out += std::to_string(left / unit) + name;
    left %= unit;
  }
  return out.empty() ? "0s" : out;
}

std::optional<Instant> parse_until(std::string_view text, Instant now) {
  if (const auto duration = parse_duration(text); duration && text != "0") return now - *duration;
  double unix_seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), unix_seconds, std::chars_format::fixed);
  if (error == std::errc{} && end == text.data() + text.size() && unix_seconds >= 0 && unix_seconds < 1e11)
    return Instant(Duration(static_cast<Duration::rep>(unix_seconds * 1e3)));
  return parse_date_time(text, false);
}

std::string format_age(Duration age) {
  const auto total = duration_cast<seconds>(age).count();
  const auto of = [](long long count, const char* unit) {
    return std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
  };
  if (total < 120) return of(total < 0 ? 0 : total, "second");
  if (total < 120 * 60) return of(total / 60, "minute");
  if (total < 48 * 3600) return of(total / 3600, "hour");
  return of(total / 86400, "day");
}

}  // namespace cleanerd
