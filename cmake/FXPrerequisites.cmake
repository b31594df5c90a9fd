# What the project needs of the machine. Included before project(), so that
# pip's users, too, read the names of Debian's packages and no trace of CMake.

# fx_missing(what): stops with the packages that hold everything.
function(fx_missing what)
  message(FATAL_ERROR "fx-mlir: ${what} was not found.\n"
    "fx-mlir is built with Clang 22 against Debian's MLIR 22. "
    "On Debian 12, as root:\n"
    "  apt install clang-22 lld-22 llvm-22-dev libmlir-22-dev mlir-22-tools "
    "liblemon-dev zlib1g-dev nlohmann-json3-dev ninja-build")
endfunction()

# The code uses Clang's precompiled headers and options, so the environment's
# compiler (pip sets Python's) does not count; -DCMAKE_CXX_COMPILER does.
if(NOT CMAKE_C_COMPILER)
  set(CMAKE_C_COMPILER clang-22)
endif()
if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER clang++-22)
endif()
foreach(compiler ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
  find_program(FX_FOUND_${compiler} ${compiler})
  mark_as_advanced(FX_FOUND_${compiler})
  if(NOT FX_FOUND_${compiler})
    fx_missing("The compiler ${compiler}")
  endif()
endforeach()

# fx_require_packages(): finds MLIR and checks the rest, after project().
macro(fx_require_packages)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    fx_missing("Clang (but ${CMAKE_CXX_COMPILER}; set CMAKE_CXX_COMPILER)")
  endif()
  list(APPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22)
  find_program(FX_MLIR_TBLGEN mlir-tblgen HINTS /usr/lib/llvm-22/bin)
  if(NOT FX_MLIR_TBLGEN)
    fx_missing("mlir-tblgen")
  endif()
  find_package(MLIR CONFIG)
  if(NOT MLIR_FOUND)
    fx_missing("MLIR (MLIRConfig.cmake)")
  endif()
  # Debian's version file accepts no range, so the version is checked here.
  if(NOT LLVM_VERSION_MAJOR EQUAL 22)
    fx_missing("MLIR 22 (but ${LLVM_VERSION} in ${MLIR_DIR}; set MLIR_DIR)")
  endif()
  find_path(FX_LEMON_INCLUDE_DIR lemon/smart_graph.h)
  if(NOT FX_LEMON_INCLUDE_DIR)
    fx_missing("LEMON (lemon/smart_graph.h)")
  endif()
  find_path(FX_NLOHMANN_INCLUDE_DIR nlohmann/json.hpp)
  if(NOT FX_NLOHMANN_INCLUDE_DIR)
    fx_missing("nlohmann-json (nlohmann/json.hpp)")
  endif()
  find_package(ZLIB)
  if(NOT ZLIB_FOUND)
    fx_missing("zlib (zlib.h)")
  endif()
endmacro()
