# writes the source revision into HEADER, and leaves the file alone when nothing changed
cmake_minimum_required(VERSION 3.25)
find_program(git git)
set(revision "unknown")
if(git AND EXISTS ${SOURCE_DIR}/.git)
  execute_process(
    COMMAND ${git} -C ${SOURCE_DIR} describe --always --dirty --abbrev=12
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(status EQUAL 0 AND found MATCHES "^[-A-Za-z0-9._+/]+$")
    set(revision "${found}")
  endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define SPIKELANE_REVISION \"@revision@\"\n" @ONLY)
