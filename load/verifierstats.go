package load

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// VerifierStats is what it took the verifier to decide on a program
// (kernel/bpf/verifier.c, print_verification_stats).
type VerifierStats struct {
	Time                 time.Duration // 0 from kernels that do not tell
	Instructions         int           // that it has gone through, each as often as it came by
	Limit                int           // how many it would go through at most
	States               int           // that it kept, to recognise where it has been
	Peak                 int           // the most that it kept at a time
	StatesPerInstruction int           // the most that it kept for one instruction
	Stack                string        // bytes, of the program and of each function that it calls: "48+0+16"
}

// parseStats reads the lines of a log that end it.
func parseStats(log []string) (s VerifierStats) {
	_, _, lines := splitLog(log)
	var stacks []string
	for _, line := range lines {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 3:
		case isFunction(line):
			stacks = append(stacks, fields[len(fields)-1])
		case fields[0] == "verification" && fields[1] == "time":
			s.Time = time.Duration(number(fields[2])) * time.Microsecond
		case fields[0] == "stack" && fields[1] == "depth":
			s.Stack = fields[2]
		case fields[0] == "processed":
			s.Instructions = number(fields[1])
			for j, name := range fields[:len(fields)-1] {
				value := fields[j+1]
				switch name {
				case "(limit":
					s.Limit = number(strings.TrimRight(value, "),"))
				case "max_states_per_insn":
					s.StatesPerInstruction = number(value)
				case "total_states":
					s.States = number(value)
				case "peak_states":
					s.Peak = number(value)
				}
			}
		}
	}
	if stacks != nil { // and what "stack depth max" says is the most of all calls
		s.Stack = strings.Join(stacks, "+")
	}
	return s
}

// number is 0 for what a newer kernel may write instead of one.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// logLines splits what the kernel wrote into a buffer.
func logLines(log []byte) []string {
	text, _, _ := bytes.Cut(log, []byte{0})
	return strings.Split(string(text), "\n")
}
