package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// result is the end of one job.
type result struct {
	job     job
	output  []byte
	elapsed time.Duration
	code    int               // as the process status
	reason  string            // why it failed, when more is known than that tests failed
	files   map[string][]byte // what it was asked to write, by path
}

// write writes the job's files where it would have written them on the host.
func (r result) write() error {
	for name, data := range r.files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

var (
	timedOut = regexp.MustCompile(`(?m)^panic: (test timed out after \S+)`)
	goCrash  = regexp.MustCompile(`(?m)^((?:panic|fatal error): .*|SIG[A-Z]+: .*)`)
)

// exitReason tells a crash, a hang, and tests that failed apart. It is empty
// for the last and for success, where the output says it all.
func exitReason(j job, e event, output []byte) string {
	switch {
	case e.Hang:
		return fmt.Sprintf("hang: not ended by its time-out of %v, killed: %s", j.Timeout, e.Signal)
	case e.Signal != "":
		return "crash: " + e.Signal
	case e.Code == 0 || e.Code == 1:
		return ""
	}
	if m := timedOut.FindSubmatch(output); m != nil {
		return "hang: " + string(m[1])
	}
	if m := goCrash.FindSubmatch(output); m != nil {
		return "crash: " + string(bytes.TrimSpace(m[1]))
	}
	return fmt.Sprintf("exit status %d", e.Code)
}
