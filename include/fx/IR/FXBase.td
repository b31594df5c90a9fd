// Base classes that all families share.
#ifndef FX_IR_FXBASE_TD
#define FX_IR_FXBASE_TD

include "fx/IR/FXDialect.td"
include "fx/IR/FXInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// A tensor, or a Python scalar.
def FX_TensorOrScalar : AnyTypeOf<[AnyRankedTensor, F64, I64, I1],
    "tensor or scalar (f64, i64, i1)">;
/// A Python scalar.
def FX_Scalar : AnyTypeOf<[F64, I64, I1], "scalar (f64, i64, i1)">;

/// How an operand or attribute is written in `argumentText`: its name, then `=`
/// and `operand`, `optional`, `variadic`, or the C++ class of an attribute.
class FX_ArgumentText<dag args, int index> {
  defvar value = !getdagarg<Constraint>(args, index);
  string kind = !cond(
    !isa<Variadic>(value) : "variadic",
    !isa<Optional>(value) : "optional",
    !isa<Attr>(value) : !cast<Attr>(value).storageType,
    true : "operand");
  string text = !getdagname(args, index) # "=" # kind;
}

/// An fx op. `bindings` are its ATen overloads (see ATenBinding.h): the first
/// one that fits is used for export, all of them for import.
class FX_Op<string mnemonic, list<Trait> traits = [],
            list<string> bindings = []>
    : Op<FX_Dialect, mnemonic,
         !listconcat(traits, !if(!empty(bindings), []<Trait>,
           [DeclareOpInterfaceMethods<FX_ATenOpInterface>]))> {
  let extraClassDeclaration = "";
  string argumentText = !interleave(
    !foreach(i, !range(!size(arguments)), FX_ArgumentText<arguments, i>.text),
    ";");
  string bindingText = !interleave(bindings, ";");
  // Declared through the interface; defined here from the list.
  string bindingDefinition = !if(!empty(bindings), "",
    "::llvm::StringRef $cppClass::getATenBindings() { return \"" #
    bindingText # "\"; }\n"
    "::llvm::StringRef $cppClass::getArgumentText() { return \"" #
    argumentText # "\"; }\n");
  let extraClassDefinition = bindingDefinition;
}

/// An op whose result types follow from operands and attributes by the C++
/// expression `rule`, a call that returns
/// `LogicalResult` and may use `location`, `adaptor` and `results`. The rule
/// is the verifier. A result type may be more precise than the rule says.
class FX_InferredOp<string mnemonic, string rule, list<Trait> traits = [],
                    list<string> bindings = []>
    : FX_Op<mnemonic,
            !listconcat(traits, [Pure, InferTypeOpAdaptorWithIsCompatible]),
            bindings> {
  let extraClassDefinition = bindingDefinition # [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *context, std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &results) {
      return }] # rule # [{;
    }
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange inferred,
                                            ::mlir::TypeRange actual) {
      return ::mlir::fx::areCompatibleResultTypes(inferred, actual);
    }
  }];
}

#endif
