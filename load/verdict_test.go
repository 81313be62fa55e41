package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testdata/verifierlog has what kernels write at log level 5 about rejected.o, and about
// xdp_both of subprog.o, which they accept.
func readLog(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "verifierlog", name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return logLines(text)
}

// The verdict is found whatever a kernel writes after it.
func TestVerdict(t *testing.T) {
	const source = "return data[14] ? XDP_DROP : XDP_PASS;"
	for _, tt := range []struct{ kernel, cause, source string }{
		{"5.10", "R1 offset is outside of the packet", source},
		{"6.1", "R1 offset is outside of the packet", source},
		{"6.12", "R1 offset is outside of the packet", source + " @ rejected.c:9"},
		{"6.18", "R1 offset is outside of the packet", source + " @ rejected.c:9"},
		{"7.3", "R1 min value is outside of the allowed memory range", source + " @ rejected.c:9"},
	} {
		t.Run(tt.kernel, func(t *testing.T) {
			log := readLog(t, tt.kernel+"-rejected")
			if cause, at := verdict(log); cause != tt.cause || at != tt.source {
				t.Errorf("%q at %q", cause, at)
			}
			stats := parseStats(log)
			if stats.Time == 0 {
				t.Error("no time")
			}
			stats.Time = 0
			if diff := cmp.Diff(VerifierStats{Instructions: 2, Limit: 1000000, Stack: "0"}, stats); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Of a program that is accepted there is nothing but notes and statistics.
func TestAcceptedLogs(t *testing.T) {
	for _, kernel := range []string{"5.10", "6.1", "6.12", "6.18", "7.3"} {
		log := readLog(t, kernel+"-both")
		stats := parseStats(log)
		stats.Time = 0
		want := VerifierStats{Instructions: 59, Limit: 1000000, States: 5, Peak: 5, Stack: "0+0+0+8"}
		if diff := cmp.Diff(want, stats); diff != "" {
			t.Errorf("%s: %s", kernel, diff)
		}
		_, _, end := splitLog(log)
		if !silent(end) {
			t.Errorf("%s: the statistics are taken for a verdict", kernel)
		}
	}
}

func TestLogTail(t *testing.T) {
	got := strings.Join(LogTail(readLog(t, "7.3-rejected"), 4), "\n")
	want := strings.Join([]string{
		"R1 min value is outside of the allowed memory range",
		"verification time 14463 usec",
		"stack depth max 0",
		"processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0",
		"Suggestion:",
		"  Add or adjust a bounds check that proves offset + access_size stays within the object.",
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	short := []string{"a", "b", "c"}
	if diff := cmp.Diff([]string{"b", "c"}, LogTail(short, 2)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(short, LogTail(short, 9)); diff != "" {
		t.Error(diff)
	}
}
