package load

import (
	"slices"
	"strings"
)

// statistics begin the lines that the verifier writes after its verdict
// (kernel/bpf/verifier.c, print_verification_stats).
var statistics = []string{"processed ", "verification time ", "stack depth "}

// explanations begin the parts of the text by which Linux 7.3 explains its
// verdict, between that and the statistics.
var explanations = []string{"Verification failed: ", "Reason:", "Instruction context:", "Causal path:", "Suggestion:"}

// verdict finds the sentence with which the verifier ends, and the last line
// of the program's source before it: "return data[100]; @ rejected.c:12".
func verdict(log []string) (cause, source string) {
	trace, _, _ := splitLog(log)
	for i := len(trace) - 1; i >= 0 && (cause == "" || source == ""); i-- {
		line := strings.TrimSpace(trace[i])
		text, isSource := strings.CutPrefix(line, "; ")
		switch {
		case blank(line):
		case isSource:
			source = strings.TrimPrefix(strings.TrimSpace(text), "@ ") // without the line itself, if the object does not have it
		case cause == "":
			cause = line
		}
	}
	return cause, source
}

// splitLog cuts a log where the verdict is explained, and where the statistics
// begin; a part may be empty.
func splitLog(log []string) (trace, explanation, statistics []string) {
	end := len(log)
	for end > 0 && isStatistics(log[end-1]) {
		end--
	}
	verdict := slices.IndexFunc(log[:end], func(line string) bool {
		return hasPrefix(strings.TrimSpace(line), explanations)
	})
	if verdict < 0 {
		verdict = end
	}
	for verdict > 0 && blank(log[verdict-1]) {
		verdict--
	}
	return log[:verdict], log[verdict:end], log[end:]
}

func isStatistics(line string) bool {
	return blank(line) || hasPrefix(line, statistics) || isFunction(line)
}

func blank(line string) bool { return strings.TrimSpace(line) == "" }

// isFunction reports whether a line is the statistics of one function (Linux 7.3):
// "subprog 1 (name) static insns_self 10 insns_total 10 stack 8".
func isFunction(line string) bool {
	return strings.HasPrefix(line, "subprog ") && strings.Contains(line, " insns_self ")
}

func hasPrefix(line string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(line, prefix) })
}

// LogTail returns the end of a verifier's log for a person: at most n lines up to its verdict
// and the statistics of the whole, and what Linux 7.3 suggests to do.
func LogTail(log []string, n int) []string {
	trace, explanation, statistics := splitLog(log)
	statistics = slices.DeleteFunc(slices.Clone(statistics), func(line string) bool { return blank(line) || isFunction(line) })
	statistics = statistics[max(0, len(statistics)-n):]
	tail := slices.Concat(trace[max(0, len(trace)+len(statistics)-n):], statistics)
	if i := slices.Index(explanation, "Suggestion:"); i >= 0 {
		tail = append(tail, explanation[i:]...)
	}
	return tail
}
