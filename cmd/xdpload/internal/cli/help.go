package cli

import (
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// helpWidth is the width of help, in columns: what fits every terminal.
const helpWidth = 80

// manual is what the documents say of the program as a whole.
func manual() *grammar.Manual {
	return &grammar.Manual{
		Program: "xdpload",
		Summary: "load BPF programs and attach them to network devices",
		Description: `xdpload reads BPF object files, of today's style and of iproute2's old one, has the kernel verify their programs and attaches them to network devices. Its words are those of ip(8) and tc(8), and may be shortened like theirs. Called through a link named "ip" or "tc" it reads that tool's words, prints errors in that tool's form, and ends with its status: 255 for wrong words, 1 for a device or a block that is not there and, to tc, for an object that cannot be loaded, 2 when the kernel has refused.

It mounts nothing, reads no configuration file and leaves no process behind.

A word may be shortened to any part of its beginning; where that fits several words, the first in the synopsis is meant. "help" may stand after any word, and says what may follow there.

Options may stand before the command or after it. A word that begins with a dash is not an option where it is one of the command's own words, such as "-o", or the value that the word before it wants, as in "obj -x"; nor is anything after "--". One that the command has no use for is refused, and of a batch one that no line has a use for. (Called as ip or tc it lets them pass, like these.) -force is -replace and -continue in one, as for ip and tc.

With -json a result is JSON on standard output: one value, and of "map dump", "map events", "prog trace", "tc monitor", "net monitor" and "net top" one a line for each entry, record, event or reading. A command that has nothing to report, such as "pin rm", prints nothing there; a document, such as help, a completion script, metrics, or a file that is written to -, is itself. An error is one JSON object on standard error, with the message, the errno by name, the kernel's own sentence, hints and the status. A warning, and the verifier's log of a program that it accepts (with "verbose"), are objects there too, {"warning":"…"} and {"verifier_log":["…"]}.

A name with control characters, or bytes that are no UTF-8, is shown with escapes: \x1b, \xff, \u202e. As it is shown it can be given again, also from JSON.

A batch has one command a line. A # begins a comment, a backslash at the end of a line continues it on the next, and quotes around a word keep its blanks. Options hold for the whole batch, and stand beside -batch, not in a line. All lines are read before the first one runs. A line that fails is named with file and number and ends the batch; with -continue it does not.`,
		Groups: []grammar.Group{
			{Name: "link", Summary: "XDP programs of devices"},
			{Name: "tc qdisc", Summary: "the qdiscs that classifiers are attached to"},
			{Name: "tc filter", Summary: "classifiers on what comes in and goes out"},
			{Name: "tc chain", Summary: "the chains that filters are in"},
			{Name: "tc actions", Summary: "actions that filters share"},
			{Name: "tc exec bpf", Summary: "program arrays, maps for other processes, and traces"},
			{Name: "tcx", Summary: "classifiers in order, before those of qdiscs"},
			{Name: "netkit", Summary: "classifiers of netkit pairs"},
			{Name: "net", Summary: "all that a packet meets on a device"},
			{Name: "elf", Summary: "look into object files"},
		},
		Statuses: []grammar.Status{
			{Code: env.StatusDone, Help: "done"},
			{Code: env.StatusWords, Help: "the words are wrong, or a line of a batch failed"},
			{Code: env.StatusRefused, Help: "the object, the kernel or the device refused"},
		},
		SeeAlso: []string{"ip-link(8)", "tc-bpf(8)", "bpftool(8)", "bpf(2)"},
		Options: documented(options(new(env.Globals))),
	}
}
