package cli

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// meanings are words that others have for what a line here does: xdp-loader, bpftool, ip,
// tc, and people. In a line DEV and FILE are what the words name, if they do, and "..." is
// all words after those that stand for it.
var meanings = []struct{ words, line string }{
	{"load|attach|add|xdp|link load|link attach|link on|net attach|net add|prog attach", "link set dev DEV xdp obj FILE"},
	{"loadall|prog loadall", "prog load obj FILE all pin DIR"},
	{"unload|detach|remove|link unload|link detach|link off|net detach|net off|prog detach|prog unload", "link set dev DEV xdp off"},
	{"replace|reload|update|swap|link replace|link update|net replace", "-force link set dev DEV xdp obj FILE"},
	{"status|list|ls|lst|show|net status|prog status|link status", "net show"},
	{"perf|progs|programs", "prog show"},
	{"prog info|prog get", "prog show NAME"},
	{"maps", "map show"},
	{"map info", "map show NAME"},
	{"pins|bpffs", "pin show"},
	{"prog pin", "pin add PATH prog NAME"},
	{"map pin", "pin add PATH map NAME"},
	{"clean|cleanup|gc|pin clean|pin cleanup|pin prune", "pin gc"},
	{"unpin|prog rm|prog delete|prog unpin|map rm|map unpin", "pin rm PATH"},
	{"devices|dev|interfaces|links", "link show"},
	{"drivers", "features"},
	{"stats|statistics|counters", "net show interval 1"},
	{"top|net perf|prog top", "net top"},
	{"metrics|openmetrics|prometheus|net prometheus", "net metrics"},
	{"run|test|bench|prog test|prog bench|prog profile", "prog run obj FILE data PACKET repeat 1000"},
	{"validate|lint|prog verify|elf verify|elf validate|elf load", "verify FILE"},
	{"info|inspect|btf|elf info|elf inspect|elf sections|elf programs|elf maps", "elf show FILE"},
	{"disasm|disassemble|objdump|elf objdump", "elf disasm FILE"},
	{"asm|assemble", "elf asm FILE -o OUT"},
	{"convert|migrate", "elf convert FILE -o OUT"},
	{"dump|map print|map getnext", "map dump NAME"},
	{"trace|tracelog|log|debug|prog tracelog|prog log|tc debug", "prog trace"},
	{"events|map event_pipe|map perf|ringbuf|map watch|map poll", "map events NAME"},
	{"monitor|drops|losses|net drops|net watch", "net monitor"},
	{"watch", "tc monitor"},
	{"qdisc|filter|chain|actions|exec", "tc WORD ..."},
	{"action", "tc actions ..."},
	{"tc attach|tc load|tc add", "tc filter add dev DEV ingress bpf da obj FILE"},
	{"tc detach|tc unload|tc del|tc off", "tc filter del dev DEV ingress bpf da obj FILE"},
	{"tc show|tc list|tc status", "tc filter show"},
	{"tcx add|tcx load|tcx set", "tcx attach dev DEV ingress obj FILE"},
	{"tcx del|tcx delete|tcx remove|tcx off|tcx unload", "tcx detach dev DEV ingress obj FILE"},
	{"netkit add|netkit load|netkit set", "netkit attach dev DEV primary obj FILE"},
	{"netkit del|netkit delete|netkit remove|netkit off|netkit unload", "netkit detach dev DEV primary obj FILE"},
}

// meant has an error about a word of others tell the line to type, and not a word that
// looks alike.
func meant(err error) error {
	x, ok := errors.AsType[*grammar.SyntaxError](err)
	if !ok || x.AtEnd || x.Got == "" {
		return err
	}
	words := strings.TrimPrefix(x.Command+" "+x.Got, " ")
	for _, m := range meanings {
		if slices.Contains(strings.Split(m.words, "|"), words) {
			x.Suggestion, x.Meant = "", fill(m.line, x)
			return err
		}
	}
	return err
}

// fill puts what the user has typed into a line.
func fill(line string, x *grammar.SyntaxError) string {
	out := []string{"xdpload"}
	file := slices.IndexFunc(x.Rest, func(word string) bool { return strings.ContainsAny(word, "/.") })
	for word := range strings.FieldsSeq(line) {
		switch {
		case word == "...":
			out = append(out, x.Rest...)
			continue
		case word == "WORD":
			word = x.Got
		case word == "FILE" && file >= 0:
			word = x.Rest[file]
		case word == "DEV":
			word = cmp.Or(device(x.Rest, file), word)
		}
		out = append(out, word)
	}
	return render.Shell(out...)
}

// device is the word that names a device, "" for none: the one after dev, or before the
// file, or the first that is neither an option nor a number.
func device(words []string, file int) string {
	if i := slices.Index(words, "dev"); i >= 0 && i+1 < len(words) {
		return words[i+1]
	}
	names := func(word string) bool {
		return !strings.HasPrefix(word, "-") && !strings.ContainsAny(word, "/.") && strings.Trim(word, "0123456789") != ""
	}
	if file > 0 && names(words[file-1]) {
		return words[file-1]
	}
	if i := slices.IndexFunc(words, names); i >= 0 {
		return words[i]
	}
	return ""
}
