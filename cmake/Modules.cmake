# lib/NAME is the library cleanerd_NAME (cleanerd::NAME), the namespace cleanerd::NAME and the test folder tests/unit/NAME.
function(cleanerd_module name)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lib/${name}/*.cpp)
  add_library(cleanerd_${name} STATIC ${sources})
  add_library(cleanerd::${name} ALIAS cleanerd_${name})
  target_link_libraries(cleanerd_${name} PUBLIC cleanerd_options PRIVATE cleanerd_warnings)
endfunction()
