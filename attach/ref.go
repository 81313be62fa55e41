package attach

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/internal/sys"
)

// A Ref names one of the programs on a hook. Make it with [ProgramID],
// [LinkID], [ProgramName] or [PinnedAt]; the zero value names the only one.
type Ref struct {
	kind refKind
	id   uint32
	text string
}

type refKind uint8

const (
	refOnly refKind = iota
	refProgram
	refLink
	refName
	refPath
)

// ProgramID names a program by its id.
func ProgramID(id uint32) Ref { return Ref{kind: refProgram, id: id} }

// LinkID names the program that the bpf_link with that id holds.
func LinkID(id uint32) Ref { return Ref{kind: refLink, id: id} }

// ProgramName names a program by its name, of which the kernel keeps 15 bytes.
func ProgramName(name string) Ref { return Ref{kind: refName, text: name} }

// PinnedAt names the program, or that of the bpf_link, that is pinned at a path.
func PinnedAt(path string) Ref { return Ref{kind: refPath, text: path} }

// String is the reference in the words of the command line: "id 7".
func (r Ref) String() string {
	switch r.kind {
	case refProgram:
		return fmt.Sprintf("id %d", r.id)
	case refLink:
		return fmt.Sprintf("link %d", r.id)
	case refName:
		return "name " + r.text
	case refPath:
		return "pinned " + r.text
	case refOnly:
	}
	return "the only program"
}

// opened turns a path into an id.
func (r Ref) opened() (Ref, error) {
	if r.kind != refPath {
		return r, nil
	}
	fd, kind, err := sys.OpenPinned(r.text)
	if err != nil {
		return r, err
	}
	defer sys.Close(fd)
	switch kind {
	case sys.KindProgram:
		info, err := sys.InfoOfProgram(fd)
		if err != nil {
			return r, err
		}
		return ProgramID(info.ID), nil
	case sys.KindLink:
		info, err := sys.InfoOfLink(fd)
		if err != nil {
			return r, err
		}
		return LinkID(info.ID), nil
	case sys.KindMap:
	}
	return r, &os.PathError{Op: "open pin", Path: r.text, Err: fmt.Errorf("a map, neither a program nor a bpf_link")}
}

// nameRoom is what the kernel keeps of a name, BPF_OBJ_NAME_LEN without the zero.
const nameRoom = 15

func (r Ref) matches(a *Attachment) bool {
	switch r.kind {
	case refProgram:
		return a.Program.ID == r.id
	case refLink:
		return a.Link != nil && a.Link.ID == r.id
	case refName:
		return a.Program.Name == r.text[:min(len(r.text), nameRoom)]
	case refOnly, refPath:
	}
	return true
}

// programList is what is on a hook, in the order in which it runs.
type programList struct {
	hook     string
	device   string
	programs []*Attachment
	revision uint64
}

// find returns the index of the program that r names, or an [*AnchorError].
func (l programList) find(r Ref) (int, error) {
	opened, err := r.opened()
	if err != nil {
		return 0, err
	}
	var found []*Attachment
	at := -1
	for i, a := range l.programs {
		if opened.matches(a) {
			found, at = append(found, a), i
		}
	}
	if len(found) == 1 {
		return at, nil
	}
	hidden := len(found) == 0 && r.kind == refName && slices.ContainsFunc(l.programs, nameless)
	if len(found) == 0 {
		found = slices.Clone(l.programs)
	}
	return 0, &AnchorError{Hook: l.hook, Ref: r, Missing: at < 0 && !hidden, Hidden: hidden, Attachments: found}
}

// nameless reports whether nothing is known of a program but its id, which takes
// CAP_SYS_ADMIN. Every program has a tag.
func nameless(a *Attachment) bool { return a.Program.Tag == "" && !a.Program.DeviceGone }

// AnchorError says that a [Ref] names none of the programs on a hook, or
// several. Missing ones are os.ErrNotExist.
type AnchorError struct {
	Hook        string        // "tcx/ingress"
	Ref         Ref           // what was asked for
	Missing     bool          // none has it
	Hidden      bool          // which one has the name cannot be told without CAP_SYS_ADMIN
	Attachments []*Attachment // that it could mean; if Missing, all there are
}

func (e *AnchorError) Error() string {
	var words []string
	for _, a := range e.Attachments {
		words = append(words, label(a))
	}
	list := strings.Join(words, ", ")
	switch {
	case e.Hidden:
		return fmt.Sprintf("%s: which program has the %v cannot be told without CAP_SYS_ADMIN; attached: %s", e.Hook, e.Ref, list)
	case !e.Missing:
		return fmt.Sprintf("%s: %d programs, and %v could be each: %s", e.Hook, len(words), e.Ref, list)
	case len(words) == 0:
		return fmt.Sprintf("%s: no program is attached", e.Hook)
	}
	return fmt.Sprintf("%s: no program with %v is attached, only %s", e.Hook, e.Ref, list)
}

// Is reports whether the target is os.ErrNotExist and nothing was found.
func (e *AnchorError) Is(target error) bool { return e.Missing && target == os.ErrNotExist }

// label names a program on a hook of several.
func label(a *Attachment) string {
	s := fmt.Sprintf("id %d", a.Program.ID)
	if a.Program.Name != "" {
		s += " name " + a.Program.Name
	}
	if a.Link != nil {
		s += fmt.Sprintf(" link %d", a.Link.ID)
	}
	return s
}
