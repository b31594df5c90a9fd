# Helpers shared by every folder of the project.

# ccache and lld are used when they are installed; neither is required.
find_program(FX_CCACHE ccache)
if(FX_CCACHE)
  # The sloppiness settings let ccache handle precompiled headers.
  set(fx_launcher ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_PCH_EXTSUM=1 ${FX_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${fx_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${fx_launcher})
endif()
find_program(FX_LLD NAMES ld.lld-22 ld.lld)
if(FX_LLD)
  add_link_options(-fuse-ld=${FX_LLD})
endif()

# Debian's LLVM is built without exceptions; warnings are ours alone, upstream
# headers are included as system headers.
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions> -Wall -Wextra
                    -Wno-unused-parameter -fno-semantic-interposition)
separate_arguments(fx_llvm_definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}")
list(REMOVE_ITEM fx_llvm_definitions -D_GLIBCXX_USE_CXX11_ABI=1)
add_definitions(${fx_llvm_definitions})
if(FX_ENABLE_ASAN)
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined
                      -fno-sanitize=vptr,function)
  add_link_options(-fsanitize=address,undefined)
endif()
if(FX_ENABLE_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link,address)
  add_link_options(-fsanitize=address)
endif()

# One precompiled header of upstream headers only: op definitions change too
# often to be in it.
function(fx_add_pch)
  set(carrier ${PROJECT_BINARY_DIR}/fx_pch.cpp)
  file(CONFIGURE OUTPUT ${carrier}
    CONTENT "// Carrier of the precompiled header.\n")
  add_library(FXPrecompiled OBJECT ${carrier})
  target_precompile_headers(FXPrecompiled PRIVATE
    ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h)
  # ccache needs a header whose contents do not depend on the time.
  target_compile_options(FXPrecompiled PRIVATE
    "SHELL:-Xclang -fno-pch-timestamp")
  # The compiled header names the build folder. ccache takes this file for it,
  # and CMake's own spelling of the option has a path that ccache cannot make
  # relative: without both, another build folder (a wheel's) shares no objects.
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -include-pch <PCH_FILE> PARENT_SCOPE)
  file(SHA256 ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h fx_pch_sum)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/FXPrecompiled.dir)
  file(WRITE ${folder}/cmake_pch.hxx.pch.sum
    "${fx_pch_sum} ${LLVM_PACKAGE_VERSION}\n")
endfunction()

# fx_add_library(NAME SOURCES a.cpp … [LINK libs…] [NO_PCH])
# A static, position-independent library of one stage. Only the final links
# (tools, plugin) name libMLIR and libLLVM.
function(fx_add_library name)
  cmake_parse_arguments(ARG "NO_PCH" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  add_dependencies(${name} FXTableGen ${ARG_DEPENDS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:include>)
  if(NOT ARG_NO_PCH)
    target_precompile_headers(${name} REUSE_FROM FXPrecompiled)
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  set_property(GLOBAL APPEND PROPERTY FX_LIBRARIES ${name})
  install(TARGETS ${name} EXPORT FXMLIRTargets ARCHIVE DESTINATION lib)
endfunction()

# fx_add_tool(NAME SOURCES a.cpp … [LINK libs…])
function(fx_add_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  add_dependencies(${name} FXTableGen)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
  set_target_properties(${name} PROPERTIES INSTALL_RPATH ${LLVM_LIBRARY_DIR})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# fx_add_plugin_host(NAME)
# The tool exports what is of fx, so that pass plugins use its ops: theirs would
# be others. The run-time library stays private; a compiled model has its own.
function(fx_add_plugin_host name)
  target_link_options(${name} PRIVATE "LINKER:--export-dynamic-symbol=*2fx*")
endfunction()

# fx_add_test_tool(NAME SOURCES a.cpp … [LINK libs…])
# A program that only the tests run; it is not installed.
function(fx_add_test_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  add_dependencies(${name} FXTableGen)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
endfunction()

# fx_tablegen_passes(STAGE): include/fx/STAGE/Passes.td -> Passes.h.inc
function(fx_tablegen_passes stage)
  set(LLVM_TARGET_DEFINITIONS ${CMAKE_CURRENT_SOURCE_DIR}/${stage}/Passes.td)
  string(REPLACE "/" "" group ${stage})
  mlir_tablegen(${stage}/Passes.h.inc -gen-pass-decls -name FX${group})
  add_public_tablegen_target(FX${group}PassesIncGen)
  add_dependencies(FXTableGen FX${group}PassesIncGen)
endfunction()
