package subject

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// PerfmonHint is the way out of what [WantsPerfmon] finds.
const PerfmonHint = "the verifier allows this with CAP_PERFMON only, which this process lacks: run it as root, or give it CAP_PERFMON beside CAP_BPF"

// WantsPerfmon reports whether the verifier refuses, in its log, what it allows with
// CAP_PERFMON, and this process lacks that.
func WantsPerfmon(log []string) bool {
	return Lacks(unix.CAP_PERFMON) && Lacks(unix.CAP_SYS_ADMIN) && slices.ContainsFunc(log, forPerfmon)
}

// onlyPerfmon is what the verifier says of pointers that are compared, subtracted, or stored
// where they could be read (kernel/bpf/verifier.c, allow_ptr_leaks).
var onlyPerfmon = [...]string{
	" pointer prohibited", "pointer comparison prohibited", "leaks addr ", "leaking pointer from stack",
	"attempt to corrupt spilled pointer", "prohibited for !root",
}

// helpersPerfmon begin the names of the helpers that print, and that read the kernel's memory
// (kernel/bpf/helpers.c, bpf_base_func_proto).
var helpersPerfmon = [...]string{
	"bpf_trace_printk#", "bpf_trace_vprintk#", "bpf_get_current_task", "bpf_probe_read", "bpf_snprintf", "bpf_task_pt_regs#",
}

// forPerfmon knows a sentence of the verifier's, which is neither a line of the source nor an
// instruction.
func forPerfmon(line string) bool {
	if strings.HasPrefix(line, ";") || line != "" && line[0] >= '0' && line[0] <= '9' {
		return false
	}
	has := func(part string) bool { return strings.Contains(line, part) }
	if has("cannot use helper ") || has("unknown func ") {
		return slices.ContainsFunc(helpersPerfmon[:], has)
	}
	return slices.ContainsFunc(onlyPerfmon[:], has)
}
