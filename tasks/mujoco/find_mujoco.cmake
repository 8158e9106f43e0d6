# Finds MuJoCo's headers and library, which must be of one version. In this order:
#   1. a release that has a CMake config, in mujoco_DIR or MUJOCO_ROOT
#   2. -DMUJOCO_ROOT=DIR: an unpacked release, an installed prefix, or the folder mujoco of a wheel
#      (tools/fetch_mujoco.sh); its library may carry its version in its name alone
#   3. headers in CMAKE_PREFIX_PATH or the system (Debian: libmujoco-dev), the library beside them
# Sets SPIKELANE_MUJOCO_INCLUDE, SPIKELANE_MUJOCO_LIBRARY and SPIKELANE_MUJOCO_PROBLEM, which is
# empty or says why there is none.
set(MUJOCO_ROOT "" CACHE PATH "MuJoCo: an unpacked release, an installed prefix or a wheel's folder mujoco")
set(SPIKELANE_MUJOCO_PROBLEM "")
set(SPIKELANE_MUJOCO_INCLUDE "")
set(SPIKELANE_MUJOCO_LIBRARY "")

set(mujoco_hints "")
if(MUJOCO_ROOT)
  get_filename_component(mujoco_root "${MUJOCO_ROOT}" ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
  set(mujoco_hints PATHS ${mujoco_root} NO_DEFAULT_PATH)
endif()
# only where it was named: the system's own config would come before another folder's headers
if(mujoco_DIR OR MUJOCO_ROOT)
  find_package(mujoco CONFIG QUIET ${mujoco_hints})
endif()
if(TARGET mujoco::mujoco)
  get_target_property(SPIKELANE_MUJOCO_INCLUDE mujoco::mujoco INTERFACE_INCLUDE_DIRECTORIES)
  get_target_property(SPIKELANE_MUJOCO_LIBRARY mujoco::mujoco LOCATION)
endif()

# the library of DIR, whose name may end in a version: the highest one
function(spikelane_mujoco_in dir result)
  set(found "")
  foreach(folder "" /lib /lib64 /lib/${CMAKE_LIBRARY_ARCHITECTURE} /bin)
    file(GLOB candidates ${dir}${folder}/libmujoco.so ${dir}${folder}/libmujoco.so.*
         ${dir}${folder}/libmujoco*.dylib)
    list(SORT candidates COMPARE NATURAL)
    if(candidates AND NOT found)
      list(GET candidates -1 found)
    endif()
  endforeach()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

if(NOT SPIKELANE_MUJOCO_LIBRARY AND MUJOCO_ROOT)
  if(EXISTS ${mujoco_root}/include/mujoco/mujoco.h)
    set(SPIKELANE_MUJOCO_INCLUDE ${mujoco_root}/include)
    spikelane_mujoco_in(${mujoco_root} SPIKELANE_MUJOCO_LIBRARY)
    if(NOT SPIKELANE_MUJOCO_LIBRARY)
      set(SPIKELANE_MUJOCO_PROBLEM "MUJOCO_ROOT=${MUJOCO_ROOT} has no libmujoco.so*, neither there nor in lib or bin")
    endif()
  else()
    set(SPIKELANE_MUJOCO_PROBLEM
        "MUJOCO_ROOT=${MUJOCO_ROOT} has no include/mujoco/mujoco.h; allowed are an unpacked release, an installed prefix and the folder mujoco of a wheel. Wheels from 4.0 on have the headers in the package mujoco-core: tools/fetch_mujoco.sh brings the right one")
  endif()
elseif(NOT SPIKELANE_MUJOCO_LIBRARY)
  find_path(mujoco_include mujoco/mujoco.h NO_CACHE)
  if(mujoco_include)
    # beside the headers first: a prefix with a versioned library must not be paired with another one
    get_filename_component(mujoco_prefix ${mujoco_include} DIRECTORY)
    spikelane_mujoco_in(${mujoco_prefix} mujoco_library)
    if(NOT mujoco_library)
      find_library(mujoco_library mujoco NO_CACHE)
    endif()
    if(mujoco_library)
      set(SPIKELANE_MUJOCO_INCLUDE ${mujoco_include})
      set(SPIKELANE_MUJOCO_LIBRARY ${mujoco_library})
    endif()
  endif()
  if(NOT SPIKELANE_MUJOCO_LIBRARY)
    set(SPIKELANE_MUJOCO_PROBLEM "MuJoCo is missing; on Debian: sudo apt-get install libmujoco-dev; or any version from 2.2 to 4.0: tools/fetch_mujoco.sh VERSION")
  endif()
endif()

# headers of one version and a library of another would read each other's structs wrongly
if(SPIKELANE_MUJOCO_LIBRARY AND NOT CMAKE_CROSSCOMPILING)
  string(MD5 mujoco_pair "${SPIKELANE_MUJOCO_INCLUDE}|${SPIKELANE_MUJOCO_LIBRARY}")
  if(NOT SPIKELANE_MUJOCO_PAIR STREQUAL mujoco_pair)
    file(WRITE ${CMAKE_BINARY_DIR}/mujoco_version.cpp
         "#include <cstdio>\n#include <mujoco/mujoco.h>\n"
         "int main() { std::printf(\"%d %d\", mjVERSION_HEADER, mj_version()); return mj_version() != mjVERSION_HEADER; }\n")
    try_run(mujoco_differs mujoco_compiles
      ${CMAKE_BINARY_DIR}/mujoco_version ${CMAKE_BINARY_DIR}/mujoco_version.cpp
      CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${SPIKELANE_MUJOCO_INCLUDE}"
      LINK_LIBRARIES ${SPIKELANE_MUJOCO_LIBRARY}
      RUN_OUTPUT_VARIABLE mujoco_versions COMPILE_OUTPUT_VARIABLE mujoco_errors)
    if(NOT mujoco_compiles)
      set(SPIKELANE_MUJOCO_PROBLEM "a program with ${SPIKELANE_MUJOCO_INCLUDE}/mujoco/mujoco.h and ${SPIKELANE_MUJOCO_LIBRARY} cannot be built:\n${mujoco_errors}")
    elseif(NOT mujoco_differs EQUAL 0)
      set(SPIKELANE_MUJOCO_PROBLEM "the headers in ${SPIKELANE_MUJOCO_INCLUDE} and the library ${SPIKELANE_MUJOCO_LIBRARY} are of different versions (${mujoco_versions}); name one place with -DMUJOCO_ROOT=DIR")
    else()
      set(SPIKELANE_MUJOCO_PAIR ${mujoco_pair} CACHE INTERNAL "headers and library that were seen to be of one version")
    endif()
    unset(mujoco_differs CACHE)
    unset(mujoco_compiles CACHE)
  endif()
endif()
if(SPIKELANE_MUJOCO_PROBLEM)
  set(SPIKELANE_MUJOCO_LIBRARY "")
endif()
