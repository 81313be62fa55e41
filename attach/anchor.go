package attach

import (
	"fmt"

	"github.com/xdpload/xdpload/internal/sys"
)

// An Anchor is where a program goes among those of a [TCX] or [Netkit] hook:
// [First], [Last], [Before], [After] or [Replace]. The set is closed.
type Anchor interface {
	// String is the anchor in the words of the command line: "before id 7".
	fmt.Stringer

	// resolve finds the place among what is on the hook.
	resolve(on programList) (position, error)
	// satisfied says whether the i-th program of the list is in the place.
	satisfied(on programList, i int) bool
}

// position is where a program goes, and what it takes the place of, if anything.
type position struct {
	sys.Place
	replaced *Attachment
}

// First is before all others.
func First() Anchor { return end{"first", sys.FlagBefore} }

// Last is after all others.
func Last() Anchor { return end{"last", sys.FlagAfter} }

// Before is right before a program that is on the hook.
func Before(r Ref) Anchor { return beside{"before", sys.FlagBefore, r} }

// After is right after a program that is on the hook.
func After(r Ref) Anchor { return beside{"after", sys.FlagAfter, r} }

// Replace is the place of a program that is on the hook, with no moment in
// between in which neither runs. A bpf_link that held that program holds the new
// one.
func Replace(r Ref) Anchor { return instead{r} }

type end struct {
	word string
	flag uint32
}

func (a end) String() string { return a.word }

func (a end) resolve(programList) (position, error) {
	return position{Place: sys.Place{Flags: a.flag}}, nil
}

func (a end) satisfied(on programList, i int) bool {
	if a.flag == sys.FlagBefore {
		return i == 0
	}
	return i == len(on.programs)-1
}

type beside struct {
	word string
	flag uint32
	ref  Ref
}

func (a beside) String() string { return a.word + " " + a.ref.String() }

func (a beside) resolve(on programList) (position, error) {
	i, err := on.find(a.ref)
	if err != nil {
		return position{}, err
	}
	return position{Place: besideProgram(a.flag, on.programs[i])}, nil
}

// besideProgram is the place before or after a program, by the flag.
func besideProgram(flag uint32, other *Attachment) sys.Place {
	if l := other.Link; l != nil {
		return sys.Place{Flags: flag | sys.FlagID | sys.FlagLink, Relative: l.ID}
	}
	return sys.Place{Flags: flag | sys.FlagID, Relative: other.Program.ID}
}

func (a beside) satisfied(on programList, i int) bool {
	j, err := on.find(a.ref)
	if err != nil {
		return false
	}
	if a.flag == sys.FlagBefore {
		return i < j
	}
	return i > j
}

type instead struct{ ref Ref }

func (a instead) String() string { return "replace " + a.ref.String() }

func (a instead) resolve(on programList) (position, error) {
	i, err := on.find(a.ref)
	if err != nil {
		return position{}, err
	}
	return position{replaced: on.programs[i]}, nil
}

// satisfied is true of any program if the one to replace is gone: then it was
// replaced already.
func (a instead) satisfied(on programList, i int) bool {
	j, err := on.find(a.ref)
	return err != nil || i == j
}
