package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/cli"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// unlikeVeristat is what of the fixtures differs, and why.
var unlikeVeristat = map[string]string{
	"freplace.o/replacement":         "veristat takes it for a program of the type that its context is of; here it is skipped",
	"held.o/held":                    "libbpf cannot map .data.queue, which holds objects of the kernel",
	"kinds.o/kinds":                  "libbpf gives the ring buffer the size of its value, which the kernel refuses",
	"types_refused.o/types_refused":  "libbpf gives up where the kernel refuses the types",
	"types_refused.o/types_rejected": "libbpf gives up where the kernel refuses the types",
}

// A verified is what is said of one program.
type verified struct {
	Result       string `json:"result"`
	Instructions int    `json:"insns_processed"`
	States       int    `json:"total_states"`
	Peak         int    `json:"peak_states"`
}

// TestVerifyAgainstVeristat: of every fixture veristat says the same, wherever
// libbpf gets as far as to ask the kernel. It is given maps in the style of today.
func TestVerifyAgainstVeristat(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.UseNewestPeers(t)
	testobj.Chdir(t)
	ours, theirs, refused := verifiedHere(t), verifiedByVeristat(t), refusedByLibbpf(t)
	alike := 0
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		us, them := ours[name], theirs[name]
		object, _, _ := strings.Cut(name, "/")
		// Libbpf has veristat load one program at a time, and fails after that to put
		// the others into a program array.
		if them.Result == resultFailed && us.Result == resultSuccess && them.Instructions > 0 && hasProgramArray(t, object) {
			them.Result = resultSuccess
		}
		reason := unlikeVeristat[name]
		if them.Instructions == 0 {
			reason = cmp.Or(reason, refused[name], refused[object])
		}
		switch {
		case us == them:
			alike++
		case reason == "":
			t.Errorf("%s: veristat says %+v, here it is %+v", name, them, us)
		default:
			t.Logf("%s: %+v, and not asked by veristat: %s", name, us, reason)
		}
	}
	t.Logf("%d programs alike", alike)
	if alike < 100 {
		t.Error("nearly nothing was compared")
	}
}

// The verdicts, in the words of veristat.
const (
	resultSuccess = "success"
	resultFailed  = "failure"
)

// runHere runs the program within the process.
func runHere(t *testing.T, words ...string) (stdout string, status int) {
	t.Helper()
	var out, stderr bytes.Buffer
	status = cli.Run(t.Context(), "devel", append([]string{"xdpload"}, words...), strings.NewReader(""), &out, &stderr)
	return out.String(), status
}

// runHereJSON decodes what the program prints, which may find fault with the objects.
func runHereJSON(t *testing.T, v any, words ...string) {
	t.Helper()
	out, _ := runHere(t, append([]string{"-json"}, words...)...)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatalf("%v: %v: %s", words, err, out)
	}
}

func verifiedHere(t *testing.T) map[string]verified {
	var reports []struct {
		File     string
		Programs []struct {
			Name string
			verified
		}
	}
	runHereJSON(t, &reports, append([]string{"verify"}, testobj.Names()...)...)
	all := make(map[string]verified)
	for _, r := range reports {
		for _, p := range r.Programs {
			switch p.Result {
			case "ok":
				p.Result = resultSuccess
			case "rejected", "not loaded":
				p.Result = resultFailed
			}
			all[r.File+"/"+p.Name] = p.verified
		}
	}
	return all
}

func verifiedByVeristat(t *testing.T) map[string]verified {
	dir := t.TempDir()
	args := []string{"-o", "csv", "-e", "file,prog,verdict,total_insns,total_states,peak_states"}
	for _, name := range testobj.Names() {
		file := filepath.Join(dir, name)
		if _, status := runHere(t, "elf", "convert", name, "-o", file); status != env.StatusDone { // it has no maps of iproute2
			file = name
		}
		args = append(args, file)
	}
	cmd := exec.Command("veristat", args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("veristat: %v: %s", err, stderr.String())
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]verified)
	for _, row := range rows[1:] {
		v := verified{Result: row[2]}
		for i, to := range []*int{&v.Instructions, &v.States, &v.Peak} {
			if *to, err = strconv.Atoi(row[3+i]); err != nil {
				t.Fatal(err)
			}
		}
		all[row[0]+"/"+row[1]] = v
	}
	return all
}

// refusedByLibbpf is why, by object and by object and program.
func refusedByLibbpf(t *testing.T) map[string]string {
	var reports []struct {
		File    string
		Refused []struct{ Loader, What, Program string }
		Faults  []string
	}
	runHereJSON(t, &reports, append([]string{"elf", "check"}, testobj.Names()...)...)
	all := make(map[string]string)
	for _, r := range reports {
		for _, fault := range r.Faults {
			all[r.File] = fault
		}
		for _, x := range r.Refused {
			if x.Loader == "libbpf" {
				all[strings.TrimSuffix(r.File+"/"+x.Program, "/")] = x.What
			}
		}
	}
	return all
}

func hasProgramArray(t *testing.T, object string) bool {
	var reports []struct{ Maps []struct{ Type string } }
	runHereJSON(t, &reports, "elf", "show", object)
	for _, m := range reports[0].Maps {
		if m.Type == "prog_array" {
			return true
		}
	}
	return false
}
