# cmake --install: programs, pages, completions, and what systemd needs. Paths are Debian's; DESTDIR is honoured.
# The configuration is in /etc whatever the prefix, since that is where both programs look for it.
set(JL_CONFIG_DIR /etc/jlinkd CACHE PATH "Folder of jlinkd.yaml")
set(packaging ${PROJECT_SOURCE_DIR}/daemon/packaging)

if(TARGET jlinkd)
  install(TARGETS jlinkd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
endif()
if(TARGET jlctl)
  install(TARGETS jlctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

foreach(section 1 5 8)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

set(completions ${PROJECT_SOURCE_DIR}/completions)
install(FILES ${completions}/jlctl.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME jlctl)
install(FILES ${completions}/_jlctl DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${completions}/jlctl.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# The unit names the program where it is installed, which --prefix may change after configuring.
install(CODE "
  set(JL_SBIN_DIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
  set(JL_CONFIG_DIR \"${JL_CONFIG_DIR}\")
  configure_file(\"${packaging}/jlinkd.service.in\" \"${PROJECT_BINARY_DIR}/jlinkd.service\" @ONLY)")
install(FILES ${PROJECT_BINARY_DIR}/jlinkd.service DESTINATION lib/systemd/system)
install(FILES ${packaging}/jlinkd.sysusers.conf DESTINATION lib/sysusers.d RENAME jlinkd.conf)
install(FILES ${packaging}/jlinkd.tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME jlinkd.conf)

# An administrator's own configuration is never overwritten.
install(CODE "
  if(NOT EXISTS \"\$ENV{DESTDIR}${JL_CONFIG_DIR}/jlinkd.yaml\")
    file(INSTALL \"${packaging}/jlinkd.yaml\" DESTINATION \"${JL_CONFIG_DIR}\")  # honours DESTDIR by itself
  endif()")
