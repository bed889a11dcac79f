package main

import (
	"fmt"
	"runtime/debug"
)

// versionCommand is okienko-agent version.
type versionCommand struct{}

// Run prints the version on one line.
func (versionCommand) Run(std streams) error {
	_, err := fmt.Fprintln(std.out, version())
	return err
}

// version is what the build says of itself: the module's version, or "devel" in a work tree.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
