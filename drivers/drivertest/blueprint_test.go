package drivertest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestBlueprint runs the tests of drivers/_blueprint, which newcomers copy. No pattern of the go command matches a
// folder whose name begins with _, so that the blueprint is in no program and no list of drivers; named, it is built.
func TestBlueprint(t *testing.T) {
	for _, args := range [][]string{
		{"vet", "../_blueprint", "../_blueprint/emulator"},
		{"test", "-count=1", "-v", "-timeout", "5m", "../_blueprint"},
	} {
		out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput() //nolint:gosec // made of constants
		if err != nil || args[0] == "test" && !strings.Contains(string(out), "--- PASS: TestBoard/unplug") {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
