# The Debian package. packaging/package.sh makes it of a build's files.
set(CLEANERD_PACKAGE_MAINTAINER "cleanerd maintainers <maintainers@cleanerd.invalid>" CACHE STRING
  "Whom the package names as its maintainer; for its distributor to set")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "${CLEANERD_PACKAGE_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "docker.io | docker-ce, prometheus")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "finds and removes the secrets that Docker builds leave on a host")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "A Docker build that sees a secret leaves it all over the host: in layers of
intermediate stages, in image configs, in the containers of failed steps, in
BuildKit's cache.
.
cleanerd finds every object that carries a secret, removes exactly those,
keeps every other layer and cache record, and then looks again. This package
holds the service (cleanerd), the command line (cleanerctl), hooks for CI
systems, and rules and a dashboard for the metrics.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/deb/conffiles
  ${CMAKE_CURRENT_LIST_DIR}/deb/postinst ${CMAKE_CURRENT_LIST_DIR}/deb/prerm ${CMAKE_CURRENT_LIST_DIR}/deb/postrm)
include(CPack)

install(FILES packaging/prometheus/cleanerd.rules.yml DESTINATION ${CMAKE_INSTALL_DATADIR}/cleanerd/prometheus)
install(FILES packaging/grafana/cleanerd.json DESTINATION ${CMAKE_INSTALL_DATADIR}/cleanerd/grafana)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
configure_file(packaging/deb/changelog.in changelog.Debian @ONLY)
add_custom_command(OUTPUT changelog.Debian.gz COMMAND gzip -9nc changelog.Debian > changelog.Debian.gz DEPENDS changelog.Debian VERBATIM)
add_custom_target(changelog ALL DEPENDS changelog.Debian.gz)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian.gz packaging/deb/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
