//===- ATenSchema.cpp - Signatures of PyTorch's operators -----------------===//

#include "fx/Import/ATenSchema.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <memory>
#include <mutex>

using namespace llvm;

// The table as it is in ATenSchemas.txt, sorted by target. The assembler
// copies the file; nothing is read when a program starts.
__asm__(".pushsection .rodata\n"
        ".hidden fxATenSchemas\n"
        ".global fxATenSchemas\n"
        "fxATenSchemas:\n"
        ".incbin \"" FX_ATEN_SCHEMAS "\"\n"
        ".hidden fxATenSchemasEnd\n"
        ".global fxATenSchemasEnd\n"
        "fxATenSchemasEnd:\n"
        ".popsection\n");
extern "C" __attribute__((visibility("hidden"))) const char fxATenSchemas[];
extern "C" __attribute__((visibility("hidden"))) const char fxATenSchemasEnd[];

namespace mlir::fx {

namespace {
StringRef getTable() {
  return StringRef(fxATenSchemas, fxATenSchemasEnd - fxATenSchemas);
}

/// The line of `target`, by binary search over the bytes.
StringRef findLine(StringRef target) {
  StringRef table = getTable();
  size_t low = 0, high = table.size();
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    size_t newline = table.rfind('\n', middle);
    // rfind looks at characters before its argument.
    size_t begin = newline == StringRef::npos ? 0 : newline + 1;
    StringRef line = table.substr(begin, table.find('\n', middle) - begin);
    StringRef name = line.take_until([](char c) { return c == '('; });
    if (name == target)
      return line;
    if (name < target)
      low = begin + line.size() + 1;
    else
      high = begin;
  }
  return StringRef();
}

/// Recursive descent over one line of the table. The table is ours, so a line
/// that does not parse is a defect of the table and asserts.
class SchemaParser {
public:
  explicit SchemaParser(StringRef text) : text(text) {}

  ATenSchema parse() {
    ATenSchema schema;
    schema.target = takeUntil("(");
    take("(");
    bool keywordOnly = false;
    while (!take(")")) {
      if (take("*")) {
        keywordOnly = true;
      } else {
        SchemaArgument argument;
        argument.type = parseType();
        argument.name = takeUntil(",)=");
        argument.isKeywordOnly = keywordOnly;
        if (take("="))
          argument.defaultText = takeDefault();
        schema.arguments.push_back(argument);
      }
      take(",");
    }
    take("->");
    if (take("(")) {
      while (!take(")")) {
        schema.results.push_back(parseType());
        takeUntil(",)"); // a name, which nothing needs
        take(",");
      }
    } else {
      schema.results.push_back(parseType());
    }
    schema.isRandom = take("random");
    return schema;
  }

private:
  bool take(StringRef token) {
    text = text.ltrim(' ');
    return text.consume_front(token);
  }
  StringRef takeUntil(StringRef stops) {
    text = text.ltrim(' ');
    StringRef result = text.take_front(text.find_first_of(stops));
    text = text.drop_front(result.size());
    return result.rtrim(' ');
  }
  /// A default ends at the comma or parenthesis outside brackets and quotes.
  StringRef takeDefault() {
    size_t end = 0;
    unsigned depth = 0;
    bool quoted = false;
    for (; end < text.size(); ++end) {
      char c = text[end];
      if (c == '"' && (end == 0 || text[end - 1] != '\\'))
        quoted = !quoted;
      if (quoted)
        continue;
      depth += c == '[';
      if (depth == 0 && (c == ',' || c == ')'))
        break;
      depth -= c == ']';
    }
    StringRef result = text.take_front(end);
    text = text.drop_front(end);
    return result;
  }
  /// base, alias set, `?`, `[]` or `[n]`, alias set of the list, `?`.
  SchemaType parseType() {
    SchemaType type;
    type.base = takeUntil("(?[ ,)");
    parseAlias(type);
    bool optional = text.consume_front("?");
    if (text.consume_front("[")) {
      type.isList = true;
      type.isElementOptional = optional;
      optional = false;
      StringRef length = takeUntil("]");
      length.getAsInteger(10, type.listLength);
      text.consume_front("]");
      parseAlias(type);
      optional = text.consume_front("?");
    }
    type.isOptional = optional;
    return type;
  }
  void parseAlias(SchemaType &type) {
    if (!text.consume_front("("))
      return;
    type.aliasSet = takeUntil(")!");
    // In `a! -> *` the mark is before the arrow.
    StringRef rest = takeUntil(")");
    type.isWritten = rest.starts_with("!");
    text.consume_front(")");
  }

  StringRef text;
};
} // namespace

std::optional<graph::Argument> SchemaArgument::getDefault() const {
  using graph::Argument;
  if (!defaultText)
    return std::nullopt;
  StringRef text = *defaultText;
  if (text == "None")
    return Argument::none();
  if (text == "True" || text == "False")
    return Argument::ofBool(text == "True");
  if (text.size() >= 2 && text.front() == '"')
    return Argument::ofText(Argument::Kind::String,
                            text.drop_front().drop_back());
  if (type.base == "ScalarType")
    return Argument::ofText(Argument::Kind::DType, text);
  if (type.base == "MemoryFormat")
    return Argument::ofText(Argument::Kind::MemoryFormat, text);

  auto number = [&](StringRef digits) {
    int64_t integer;
    if (type.base != "float" && !digits.getAsInteger(10, integer))
      return Argument::ofInt(integer);
    double real = 0;
    digits.getAsDouble(real);
    return Argument::ofFloat(real);
  };
  if (text.consume_front("[")) {
    std::vector<Argument> elements;
    for (StringRef rest = text.drop_back(); !rest.empty();) {
      auto [element, tail] = rest.split(',');
      elements.push_back(number(element.trim()));
      rest = tail;
    }
    return Argument::list(std::move(elements));
  }
  return number(text);
}

bool ATenSchema::mutates() const {
  return any_of(arguments, [](const SchemaArgument &argument) {
    return argument.type.isWritten;
  });
}

std::optional<unsigned> ATenSchema::findArgument(StringRef name) const {
  for (auto [index, argument] : enumerate(arguments))
    if (argument.name == name)
      return index;
  return std::nullopt;
}

std::optional<unsigned>
ATenSchema::findAliasedArgument(unsigned index) const {
  if (index >= results.size() || results[index].aliasSet.empty())
    return std::nullopt;
  // `a -> *` of an argument names the set before the arrow.
  StringRef set = results[index].aliasSet.take_front(1);
  for (auto [position, argument] : enumerate(arguments))
    if (argument.type.aliasSet.starts_with(set))
      return position;
  return std::nullopt;
}

const ATenSchema *ATenSchema::lookup(StringRef target) {
  static std::mutex mutex;
  static StringMap<std::unique_ptr<ATenSchema>> parsed;
  std::lock_guard<std::mutex> lock(mutex);
  auto [it, inserted] = parsed.try_emplace(target);
  if (inserted)
    if (StringRef line = findLine(target); !line.empty())
      it->second = std::make_unique<ATenSchema>(SchemaParser(line).parse());
  return it->second.get();
}

} // namespace mlir::fx
