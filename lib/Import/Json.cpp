//===- Json.cpp - JSON documents of graph files ---------------------------===//

#include "fx/Import/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/JSON.h"

#include <cmath>
#include <type_traits>
#include <vector>

using namespace llvm;

namespace mlir::fx::json {

/// A subgraph of a control-flow operator adds about ten levels; real files
/// stay below 100.
constexpr unsigned maxDepth = 1000;

// The arena frees memory without destructors.
static_assert(std::is_trivially_destructible_v<Value>);

const Value *Object::get(StringRef key) const {
  for (const Member &member : llvm::reverse(members))
    if (member.first == key)
      return &member.second;
  return nullptr;
}

std::optional<StringRef> Object::getString(StringRef key) const {
  const Value *value = get(key);
  return value ? value->getAsString() : std::nullopt;
}

std::optional<int64_t> Value::getAsInteger() const {
  if (type != Number)
    return std::nullopt;
  if (isInt)
    return integer;
  // The bounds are exact in double; the upper one is not in int64_t.
  if (std::trunc(real) == real && real >= -0x1p63 && real < 0x1p63)
    return static_cast<int64_t>(real);
  return std::nullopt;
}

namespace {
class Parser {
public:
  Parser(StringRef text, BumpPtrAllocator &memory)
      : text(text), memory(memory) {}

  /// The whole text as one value.
  bool parse(Value &value) {
    // Upstream's check also finds where.
    size_t position;
    if (!llvm::json::isUTF8(text, &position)) {
      next = position;
      return fail("Invalid UTF-8 sequence");
    }
    if (!parseValue(value, 0))
      return false;
    skipSpace();
    return next == text.size() || fail("Text after end of document");
  }
  Error takeError() const;

private:
  bool fail(const Twine &message) {
    error = message.str();
    return false;
  }
  void skipSpace() {
    while (next < text.size() &&
           (text[next] == ' ' || text[next] == '\n' || text[next] == '\r' ||
            text[next] == '\t'))
      ++next;
  }
  /// The next character that is no space; 0 at the end.
  char peek() {
    skipSpace();
    return next < text.size() ? text[next] : '\0';
  }
  bool consume(StringRef token) {
    if (!text.substr(next).starts_with(token))
      return false;
    next += token.size();
    return true;
  }

  bool parseValue(Value &value, unsigned depth);
  bool parseArray(Value &value, unsigned depth);
  bool parseObject(Value &value, unsigned depth);
  bool parseNumber(Value &value);
  bool parseString(StringRef &result);
  bool parseEscape(SmallVectorImpl<char> &result);
  bool parseHex(uint32_t &unit);

  /// Moves the elements behind `begin` from a stack into the arena.
  template <typename T>
  ArrayRef<T> take(std::vector<T> &stack, size_t begin) {
    size_t count = stack.size() - begin;
    T *copy = memory.Allocate<T>(count);
    std::uninitialized_copy(stack.begin() + begin, stack.end(), copy);
    stack.resize(begin);
    return ArrayRef<T>(copy, count);
  }

  StringRef text;
  BumpPtrAllocator &memory;
  size_t next = 0;
  /// Elements of the arrays and objects that are not complete.
  std::vector<Value> values;
  std::vector<Member> members;
  std::string error;
};
} // namespace

Error Parser::takeError() const {
  StringRef before = text.take_front(next);
  size_t line = before.count('\n') + 1;
  size_t column = before.size() - (before.rfind('\n') + 1);
  return createStringError(inconvertibleErrorCode(),
                           "[" + Twine(line) + ":" + Twine(column) +
                               ", byte=" + Twine(next) + "]: " + error);
}

bool Parser::parseValue(Value &value, unsigned depth) {
  StringRef string;
  switch (peek()) {
  case '{':
    return parseObject(value, depth + 1);
  case '[':
    return parseArray(value, depth + 1);
  case '"':
    if (!parseString(string))
      return false;
    value = Value(string);
    return true;
  case 't':
    value = Value::ofBool(true);
    return consume("true") || fail("Invalid JSON value");
  case 'f':
    value = Value::ofBool(false);
    return consume("false") || fail("Invalid JSON value");
  case 'n':
    value = Value();
    return consume("null") || fail("Invalid JSON value");
  default:
    return parseNumber(value);
  }
}

bool Parser::parseArray(Value &value, unsigned depth) {
  if (depth > maxDepth)
    return fail("JSON nests deeper than " + Twine(maxDepth) + " levels");
  size_t begin = values.size();
  ++next;
  if (peek() == ']') {
    ++next;
    value = Value(Array());
    return true;
  }
  while (true) {
    Value element;
    if (!parseValue(element, depth))
      return false;
    values.push_back(element);
    char c = peek();
    if (c != ',' && c != ']')
      return fail("Expected , or ] after array element");
    ++next;
    if (c == ']')
      break;
  }
  value = Value(Array(take(values, begin)));
  return true;
}

bool Parser::parseObject(Value &value, unsigned depth) {
  if (depth > maxDepth)
    return fail("JSON nests deeper than " + Twine(maxDepth) + " levels");
  size_t begin = members.size();
  ++next;
  if (peek() == '}') {
    ++next;
    value = Value(Object());
    return true;
  }
  while (true) {
    Member member;
    if (peek() != '"')
      return fail("Expected object key");
    if (!parseString(member.first))
      return false;
    if (peek() != ':')
      return fail("Expected : after object key");
    ++next;
    if (!parseValue(member.second, depth))
      return false;
    members.push_back(member);
    char c = peek();
    if (c != ',' && c != '}')
      return fail("Expected , or } after object property");
    ++next;
    if (c == '}')
      break;
  }
  value = Value(Object(take(members, begin)));
  return true;
}

bool Parser::parseNumber(Value &value) {
  StringRef rest = text.substr(next);
  StringRef token = rest.take_while(
      [](char c) { return isDigit(c) || StringRef("+-.eE").contains(c); });
  int64_t integer;
  double real;
  if (token.find_first_of(".eE") == StringRef::npos &&
      !token.getAsInteger(10, integer))
    value = Value::ofInt(integer);
  else if (!token.empty() && !token.getAsDouble(real))
    value = Value::ofDouble(real);
  else
    return fail("Invalid JSON value");
  next += token.size();
  return true;
}

bool Parser::parseHex(uint32_t &unit) {
  unit = 0;
  for (unsigned i = 0; i < 4; ++i, ++next) {
    unsigned digit = next < text.size() ? hexDigitValue(text[next]) : ~0u;
    if (digit == ~0u)
      return fail("Invalid \\u escape sequence");
    unit = unit * 16 + digit;
  }
  return true;
}

/// What follows a backslash.
bool Parser::parseEscape(SmallVectorImpl<char> &result) {
  char c = next < text.size() ? text[next++] : '\0';
  static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  if (const char *found = c ? std::strchr(escapes, c) : nullptr) {
    result.push_back(meanings[found - escapes]);
    return true;
  }
  if (c != 'u')
    return fail("Invalid escape sequence");
  uint32_t point, low;
  if (!parseHex(point))
    return false;
  bool isHigh = point >= 0xD800 && point < 0xDC00;
  if (isHigh && consume("\\u")) {
    if (!parseHex(low))
      return false;
    if (low >= 0xDC00 && low < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    } else {
      // Half of a pair means nothing; what follows may.
      next -= 6;
    }
  }
  char utf8[UNI_MAX_UTF8_BYTES_PER_CODE_POINT], *end = utf8;
  if (point >= 0xD800 && point < 0xE000)
    point = 0xFFFD;
  ConvertCodePointToUTF8(point, end);
  result.append(utf8, end);
  return true;
}

bool Parser::parseString(StringRef &result) {
  size_t begin = ++next;
  auto isSpecial = [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
  };
  while (next < text.size() && !isSpecial(text[next]))
    ++next;
  if (next < text.size() && text[next] == '"') {
    result = text.slice(begin, next++);
    return true;
  }
  SmallString<64> unescaped(text.slice(begin, next));
  while (true) {
    if (next == text.size())
      return fail("Unterminated string");
    char c = text[next++];
    if (c == '"')
      break;
    if (static_cast<unsigned char>(c) < 0x20)
      return fail("Control character in string");
    if (c != '\\')
      unescaped.push_back(c);
    else if (!parseEscape(unescaped))
      return false;
  }
  result = unescaped.str().copy(memory);
  return true;
}

Expected<Document> parse(StringRef text) {
  Document document;
  Parser parser(text, *document.memory);
  if (!parser.parse(document.value))
    return parser.takeError();
  return std::move(document);
}

} // namespace mlir::fx::json
