package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShow(t *testing.T) {
	tests := []struct {
		name   string
		events string
		want   string
	}{
		{
			name: "passed tests are silent",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: chatter\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}`,
			want: "ok  \tp\t0.1s\n",
		},
		{
			name: "a failed test shows all it wrote",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: why\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}`,
			want: "    a_test.go:1: why\n--- FAIL: TestA (0.00s)\nFAIL\tp\t0.1s\n",
		},
		{
			name: "a test cut short is shown when its package fails",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out\n"}
{"Action":"output","Package":"q","Test":"TestB","Output":"still running\n"}
{"Action":"fail","Package":"p"}`,
			want: "panic: test timed out\n",
		},
		{
			name:   "a package that does not build",
			events: `{"ImportPath":"p","Action":"build-output","Output":"a.go:1: undefined: x\n"}`,
			want:   "a.go:1: undefined: x\n",
		},
		{
			name: "skips under their reasons",
			events: `{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:9: SKIP: needs root\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    testscript.go:9: WORK=$WORK\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: SKIP: needs root\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"output","Package":"q","Test":"TestC","Output":"--- SKIP: TestC (0.00s)\n"}
{"Action":"skip","Package":"q","Test":"TestC"}`,
			want: "skipped: needs root\n    p TestB\n    p TestA\nskipped: no reason given\n    q TestC\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got strings.Builder
			if err := show(&got, strings.NewReader(tt.events)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShowReadsToTheEnd(t *testing.T) {
	events := strings.NewReader("not json\nand more")
	if err := show(io.Discard, events); err == nil {
		t.Error("no error for a line that is no event")
	}
	if events.Len() != 0 {
		t.Errorf("%d bytes left unread", events.Len())
	}
}

func TestRunStatus(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want int
	}{
		{name: "passed", args: []string{"-run=^TestShow$", "."}, want: 0},
		{name: "no such package", args: []string{"./nowhere"}, want: 1},
		{name: "bad flag", args: []string{"-p=none"}, want: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if got := run(tt.args, &stdout, &stderr); got != tt.want {
				t.Errorf("status %d, want %d\n%s%s", got, tt.want, &stdout, &stderr)
			}
		})
	}
}
