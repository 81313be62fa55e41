package env

import (
	"errors"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/internal/render"
)

// A Line is a command line as it was given, without the program's name. The zero
// value is one that is not known.
type Line struct {
	Options []string // before the words
	Words   []string
}

// LineOf is the line that failed.
func LineOf(err error) Line {
	if x, ok := errors.AsType[*CommandError](err); ok {
		return x.Line
	}
	return Line{}
}

// With is the line with options before it and words behind it, for a shell.
func (l Line) With(options []string, words ...string) string {
	if len(l.Words) == 0 {
		l.Words = []string{"…"}
	}
	options = slices.DeleteFunc(slices.Clone(options), func(o string) bool { return slices.Contains(l.Options, o) })
	return render.Shell(slices.Concat([]string{string(ToolXDPLoad)}, options, l.Options, l.Words, words)...)
}

// Forced is the line with -force.
func (l Line) Forced() string { return l.With([]string{"-force"}) }

// As is the line with another word in the place of the first of some others, unless
// that names a device; the same line without any.
func (l Line) As(word string, of ...string) Line {
	for i, w := range l.Words {
		if slices.Contains(of, w) && (i == 0 || l.Words[i-1] != "dev") {
			l.Words = slices.Replace(slices.Clone(l.Words), i, i+1, word)
			break
		}
	}
	return l
}

// About is a line that names devices, about one of them alone: from the first of some
// words on, unless that names a device, it stays as it is.
func (l Line) About(device string, from ...string) Line {
	for i, w := range l.Words {
		if i > 2 && slices.Contains(from, w) && l.Words[i-1] != "dev" {
			l.Words = slices.Concat(l.Words[:2], []string{"dev", device}, l.Words[i:])
			break
		}
	}
	return l
}

// Without is the line without a word, unless that names a device.
func (l Line) Without(word string) Line {
	for i, w := range l.Words {
		if w == word && (i == 0 || l.Words[i-1] != "dev") {
			l.Words = slices.Delete(slices.Clone(l.Words), i, i+1)
			break
		}
	}
	return l
}

// BehindDevice is the line with one more word behind what follows dev.
func (l Line) BehindDevice(more string) string {
	if i := slices.Index(l.Words, "dev"); i >= 0 && i+2 <= len(l.Words) {
		l.Words = slices.Insert(slices.Clone(l.Words), i+2, more)
	}
	return l.With(nil)
}

// Has reports whether one of the words behind the group's and the command's is this one.
func (l Line) Has(word string) bool { return slices.Contains(l.Words[min(2, len(l.Words)):], word) }

// Here is a hint, or a command, whose commands work as the line did: in the network
// namespace of -netns, with the BPF file system of -bpffs.
func (e *Env) Here(hint string) string {
	if e.BPFFS != "" && !strings.Contains(hint, "-bpffs ") {
		hint = withOption(hint, "-bpffs", e.BPFFS)
	}
	return InNetNS(e.Netns, hint)
}

// InNetNS is a hint whose commands work in a network namespace, by its name or path; ""
// is that of the process.
func InNetNS(name, hint string) string {
	done := func(mark string) bool { return strings.Contains(hint, mark) }
	if name == "" || slices.ContainsFunc([]string{"-netns ", "ip netns exec ", "nsenter "}, done) {
		return hint
	}
	quoted := render.Shell(name)
	enter := "ip netns exec " + quoted + " "
	if strings.Contains(name, "/") {
		enter = "nsenter --net=" + quoted + " "
	}
	hint = strings.NewReplacer("ip link set ", enter+"ip link set ", "ethtool -", enter+"ethtool -").Replace(hint)
	return withOption(hint, "-netns", name)
}

// withOption has an option behind the program's name, where that is a word of its own
// and not the end of a path.
func withOption(hint, option, value string) string {
	words := strings.Split(hint, " ")
	for i, w := range words[:len(words)-1] {
		if strings.TrimLeft(w, `"(`) == string(ToolXDPLoad) {
			words[i] = w + " " + option + " " + render.Shell(value)
		}
	}
	return strings.Join(words, " ")
}
