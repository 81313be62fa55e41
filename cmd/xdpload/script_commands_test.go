package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/cli"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
)

// scriptCommands are what scripts can say beside testscript's own commands.
//
//	[!] xdpload WORDS       run the program; what it prints on an error has its form
//	[!] as ip|tc WORDS      run the program through a link of that name
//	status N                the last run ended with N
//	[!] json [-stderr] PATH [VALUE]   the output has VALUE at PATH
//	let NAME PATH           set a variable to the value at PATH of the output
//	cut FILE N NEW          write the first N bytes of FILE to NEW
//	unique VAR FILE NAME    give a name in an object of its length that nobody else has, and set $VAR to it
//	control                 set $CONTROL to a name with control characters
//	full WORDS              run the program with a full disk for its output
//	feature NAME            skip the script on a kernel without tcx or netkit, or with tcx (no-tcx)
//	need COMMAND…           skip the script where a witness is missing
//
// and, in the namespace of a script that has one:
//
//	[!] ip|tc|bpftool WORDS    ask a witness
//	ones N FILE                write N instructions of classic BPF
//	alike WORDS                tc, and the program through a link called tc, print the same
//	xdp DEV [MODE=PROGRAM]…    the kernel says that just these are attached
//	hold DEV PATH              attach drop.o through a bpf_link, and pin it
//	pinprog OBJECT TYPE PATH   load a program and pin it; pinmap PATH pins a map
//	packets DEV                the stack sees frames that arrive at DEV
//	frames DEV N               send N frames from the device
//	counted PIN KEY N          an element of a pinned array of numbers becomes N
//	census                     remember what is pinned and attached here, and what that uses
//	unchanged                  there is no more than that
//	[!] nobody WORDS           run the program without privileges
//	[!] lesser NAME WORDS      run the program under a name without CAP_SYS_ADMIN
//	[!] with CAP,CAP NAME WORDS    run it with no capabilities but those
//	[!] refused ERRNO NAME WORDS   run it where a seccomp filter refuses bpf(2)
//	[!] rootless WORDS         run the program as root of a user and a network namespace of its own
//	[!] inherit PATH WORDS     run it with the pinned program as descriptor 3
//	holding DEV                hold a program by a bpf_link without a pin, and set $LINK and $HOLDER
//	gone DEV                   no tcx program is left on the device
//	nameless DEV               attach a program that has no name
//	mtu DEV N                  set the device's MTU
//	bind FILE TARGET           mount a single file over another while the script runs
//	elsewhere                  go on in another namespace; $NS is the script's own
//	resident                   start a process in the script's own, and set $PID
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"xdpload":   func(ts *testscript.TestScript, neg bool, args []string) { runProgram(ts, neg, "xdpload", args) },
	"as":        func(ts *testscript.TestScript, neg bool, args []string) { runProgram(ts, neg, args[0], args[1:]) },
	"status":    checkStatus,
	"json":      checkJSON,
	"let":       letValue,
	"need":      needCommands,
	"feature":   needFeature,
	"holding":   holdUnpinned,
	"gone":      checkGone,
	"ip":        witnessCommand("ip"),
	"tc":        witnessCommand("tc"),
	"bpftool":   witnessCommand("bpftool"),
	"alike":     compareTC,
	"ones":      writeOnes,
	"xdp":       checkXDP,
	"hold":      holdLink,
	"pinprog":   pinProgram,
	"pinmap":    pinMap,
	"packets":   checkPackets,
	"frames":    sendFrames,
	"counted":   checkCounted,
	"census":    takeCensus,
	"unchanged": checkCensus,
	"nobody":    runAsNobody,
	"lesser":    runAsLesser,
	"with":      runWith,
	"refused":   runRefused,
	"rootless":  runRootless,
	"inherit":   runInheriting,
	"nameless":  attachNameless,
	"elsewhere": leave,
	"resident":  startResident,
	"mtu":       setMTU,
	"bind":      bindMount,
	"cut":       cutFile,
	"unique":    makeUnique,
	"control":   setControl,
	"full":      runFull,
	"closed":    runClosed,
	"capture":   captureFrames,
}

// runProgram runs the program, and holds it to what every run owes its user.
func runProgram(ts *testscript.TestScript, neg bool, name string, args []string) {
	err := ts.Exec(filepath.Join(of(ts).bin, name), args...)
	afterRun(ts, neg, name, args, err)
}

func afterRun(ts *testscript.TestScript, neg bool, name string, args []string, err error) {
	s := of(ts)
	s.status = 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		s.status = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", name, err)
	}
	if neg != (s.status != env.StatusDone) {
		ts.Fatalf("status %d", s.status)
	}
	if !neg || name != "xdpload" {
		return
	}
	partly := strings.Contains(ts.ReadFile("stderr"), " refused") // the devices that did not
	if out := ts.ReadFile("stdout"); out != "" && !slices.ContainsFunc(args, printsAndFails) && !partly {
		ts.Fatalf("an error prints %q on standard output", out)
	}
	checkErrorForm(ts, slices.Contains(args, "-json"))
}

// printsAndFails knows the commands whose result is printed also when it is bad, and
// the file that is shown to be missing beside others.
func printsAndFails(word string) bool {
	return strings.HasPrefix(word, "-b") || slices.Contains([]string{"check", "verify", "run", "nosuch.o"}, word)
}

// errorForm is warnings, a sentence, the verifier's lines, and the ways out; a batch
// may have several.
var errorForm = regexp.MustCompile(`\A(warning: [^\n]+\n)*(xdpload: [^\n]+[^.\n]\n(  [^\n]*\n)*(hint: [^\n]+\n)*)+\z`)

func checkErrorForm(ts *testscript.TestScript, asJSON bool) {
	text := ts.ReadFile("stderr")
	if !asJSON {
		if !errorForm.MatchString(text) {
			ts.Fatalf("an error does not have the form of one")
		}
		return
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	for d.More() {
		var f cli.Failure
		if err := d.Decode(&f); err != nil || f.Message == "" || f.Status != of(ts).status {
			ts.Fatalf("an error does not have the form of one: %v", err)
		}
	}
}

func checkStatus(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := of(ts).status; neg || got != want {
		ts.Fatalf("status is %d", got)
	}
}

func needCommands(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		bpftest.Need(of(ts).t, bpftest.Command(name))
	}
}

func witnessCommand(name string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if err := ts.Exec(name, args...); neg != (err != nil) {
			ts.Fatalf("%s: %v", name, err)
		}
	}
}

func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	stream := "stdout"
	if args[0] == "-stderr" {
		stream, args = "stderr", args[1:]
	}
	got, ok := valueAt(ts, stream, args[0])
	switch {
	case len(args) == 1 && ok == neg:
		ts.Fatalf("%s: %s", args[0], got)
	case len(args) == 2 && (!ok || (got == args[1]) == neg):
		ts.Fatalf("%s is %s", args[0], got)
	}
}

func letValue(ts *testscript.TestScript, _ bool, args []string) {
	got, ok := valueAt(ts, "stdout", args[1])
	if !ok {
		ts.Fatalf("no %s", args[1])
	}
	ts.Setenv(args[0], got)
}

// valueAt is the value at a path such as 0.xdp.prog.id, without the quotes of
// a string.
func valueAt(ts *testscript.TestScript, stream, path string) (string, bool) {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(stream)))
	d.UseNumber()
	var v any
	ts.Check(d.Decode(&v))
	for step := range strings.SplitSeq(path, ".") {
		switch parent := v.(type) {
		case map[string]any:
			v = parent[step]
		case []any:
			i, err := strconv.Atoi(step)
			ts.Check(err)
			if v = nil; i < len(parent) {
				v = parent[i]
			}
		default:
			return "", false
		}
	}
	if v == nil {
		return "", false
	}
	if text, ok := v.(string); ok {
		return text, true
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	ts.Check(enc.Encode(v))
	return strings.TrimSpace(b.String()), true
}

func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(ts.ReadFile(args[0])[:n]), 0o644))
}

func makeUnique(ts *testscript.TestScript, _ bool, args []string) {
	const keep = 3
	name := args[2]
	fresh := name[:keep] + strings.ToLower(rand.Text())[:len(name)-keep]
	object := []byte(ts.ReadFile(args[1]))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), bytes.ReplaceAll(object, []byte(name), []byte(fresh)), 0o644))
	ts.Setenv(args[0], fresh)
}

func setControl(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Setenv("CONTROL", "no\x1b[31m\nsuch")
}

// runFull runs xdpload where nothing more can be written.
func runFull(ts *testscript.TestScript, _ bool, args []string) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	ts.Check(err)
	defer full.Close()
	runInto(ts, full, args)
}

// runClosed runs xdpload where nobody reads on.
func runClosed(ts *testscript.TestScript, _ bool, args []string) {
	r, w, err := os.Pipe()
	ts.Check(err)
	ts.Check(r.Close())
	defer w.Close()
	runInto(ts, w, args)
}

func runInto(ts *testscript.TestScript, stdout *os.File, args []string) {
	cmd := exec.Command(filepath.Join(of(ts).bin, "xdpload"), args...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), []string{asProgram + "=1"}
	cmd.Stdout, cmd.Stderr = stdout, ts.Stderr()
	if err := cmd.Run(); cmd.ProcessState == nil {
		ts.Fatalf("%v", err)
	}
	of(ts).status = cmd.ProcessState.ExitCode()
}
