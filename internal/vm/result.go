package main

import (
	"bytes"
	"fmt"
	"regexp"
	"time"
)

// result is the end of one job.
type result struct {
	job     job
	output  []byte
	elapsed time.Duration
	code    int    // as the process status
	reason  string // why it failed, when more is known than that tests failed
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
