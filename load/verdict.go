package load

import "strings"

// statistics begin the lines that the verifier writes after its verdict
// (kernel/bpf/verifier.c, print_verification_stats).
var statistics = []string{"processed ", "verification time ", "stack depth "}

// verdict finds the sentence with which the verifier ends, and the last line
// of the program's source before it: "return data[100]; @ rejected.c:12".
func verdict(log []string) (cause, source string) {
	for i := len(log) - 1; i >= 0 && (cause == "" || source == ""); i-- {
		line := strings.TrimSpace(log[i])
		text, isSource := strings.CutPrefix(line, "; ")
		switch {
		case line == "" || isStatistics(line):
		case isSource:
			source = strings.TrimPrefix(strings.TrimSpace(text), "@ ") // without the line itself, if the object does not have it
		case cause == "":
			cause = line
		}
	}
	return cause, source
}

func isStatistics(line string) bool {
	for _, prefix := range statistics {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
