//go:build !guest

package main

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/need"
)

// guestOf612 is what a guest needs. Tests fetch nothing.
var guestOf612 = need.Feature{Name: "QEMU and Linux 6.12, which make test-kernels fetches", Probe: func() error {
	c, err := openCache()
	if err != nil {
		return err
	}
	_, errTools := c.tools(context.Background())
	_, errKernel := c.cachedKernel("6.12")
	return cmp.Or(errTools, errKernel)
}}

// buildVM builds the program as make does.
func buildVM(t *testing.T) string {
	t.Helper()
	need.Of(t, guestOf612)
	vm := filepath.Join(t.TempDir(), "vm")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", vm, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return vm
}

const selftest = "./testdata/selftest/"

// TestToldApart runs a package that crashes, one that panics the kernel and, as
// the last, one that passes: two failures with two reasons.
func TestToldApart(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "cover.out")
	told(t, []string{"-coverprofile=" + profile, selftest + "crash", selftest + "kernelpanic", selftest + "passes"},
		`(?m)^FAIL: kernel 6.12: crash: SIGSEGV: segmentation violation, in TestCrash\nFAIL\t\S+/crash\t`,
		`(?m)^FAIL: kernel 6.12: kernel panic: sysrq triggered crash, in TestKernelPanic\nFAIL\t\S+/kernelpanic\t`,
		`(?m)^ok  \t\S+/passes\t`,
		`(?m)^\[ *[0-9.]+\] sysrq: Trigger a crash$`, // of the kernel's log
		`said before the crash\n`, `said before the panic\n`,
		`(?m)^kernel 6.12: skipped 1: needs nothing: .* \(passes.TestSkipped\)$`,
		`(?m)^kernel 6.12: failed: \S+/crash \[crash: .*, in TestCrash\]$`,
		`(?m)^kernel 6.12: failed: \S+/kernelpanic \[kernel panic: .*, in TestKernelPanic\]$`,
		`kernel 6.12: failed: [^\n]+\n$`,
	)
	if data, err := os.ReadFile(profile); err != nil || !strings.HasPrefix(string(data), "mode: set\n") {
		t.Errorf("coverage: %q, %v", data, err)
	}
}

// TestToldHang is apart from them: no other package can be too slow for its time-out.
func TestToldHang(t *testing.T) {
	told(t, []string{"-timeout=8s", selftest + "hang"},
		`(?m)^FAIL: kernel 6.12: hang: test timed out after 8s, in TestHang\nFAIL\t\S+/hang\t`,
		`said before the hang\n`,
	)
}

// told runs packages that fail in a guest, and wants matches in what is said.
func told(t *testing.T, args []string, wants ...string) {
	t.Helper()
	out, err := exec.Command(buildVM(t), append([]string{"test", "-kernel", "6.12", "--"}, args...)...).CombinedOutput()
	if err == nil || err.Error() != "exit status 1" {
		t.Errorf("%v, want exit status 1", err)
	}
	for _, want := range wants {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("no match for %s", want)
		}
	}
	if strings.Contains(string(out), "seen only with -v") {
		t.Error("the output of a test that passed is shown")
	}
	if t.Failed() {
		t.Logf("output:\n%s", out)
	}
}

// TestExec is a guest under go test itself.
func TestExec(t *testing.T) {
	vm := buildVM(t)
	profile := filepath.Join(t.TempDir(), "cover.out")
	cmd := exec.Command("go", "test", "-count=1", "-v", "-coverprofile="+profile,
		"-exec", vm+" exec -kernel 6.12", "-run=^TestTail$", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestTail") {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(profile)
	if err != nil || !regexp.MustCompile(`(?m)/internal/vm/qemu\.go:\S+ \d+ 1$`).Match(data) {
		t.Errorf("coverage: %v, %d bytes without a covered block of tail", err, len(data))
	}
}
