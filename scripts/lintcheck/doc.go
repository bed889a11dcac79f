// Package lintcheck holds the planted faults that prove the linters awake; its test runs with the
// tag lint, as make check does, because it needs the built linter.
package lintcheck
