package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// compareTC runs tc, and our program through a link of that name, and wants the
// same output to the byte. For a script it is "alike WORDS".
func compareTC(ts *testscript.TestScript, _ bool, args []string) {
	run := func(path string) string {
		var out bytes.Buffer
		cmd := exec.Command(path, args...)
		cmd.Env, cmd.Stdout, cmd.Stderr = []string{asProgram + "=1"}, &out, &out
		cmd.Dir = ts.MkAbs(".")
		if err := cmd.Run(); err != nil {
			out.WriteString("(failed)\n")
		}
		return out.String()
	}
	diff := ""
	for deadline := time.Now().Add(bpftest.Patience); time.Now().Before(deadline); { // several when the output has the seconds since something
		before := run("tc")
		diff = cmp.Diff(before, run(filepath.Join(of(ts).bin, "tc")))
		if diff == "" || before == run("tc") {
			break
		}
	}
	if diff != "" {
		ts.Fatalf("tc %s (-tc +xdpload):\n%s", strings.Join(args, " "), diff)
	}
}

// writeOnes writes a classic program of so many instructions, each of which
// would end it.
func writeOnes(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	text := args[0] + "\n" + strings.Repeat("6 0 0 1\n", n)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
