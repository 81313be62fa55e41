package attach

import (
	"fmt"
	"strings"
)

// OccupiedError says that a hook is taken, and by what. It wraps the kernel's
// refusal, so it is os.ErrExist.
type OccupiedError struct {
	Device      string        // its name
	Attachments []*Attachment // what is on the hook, in any mode
	Err         error         // the kernel's refusal
}

func (e *OccupiedError) Error() string {
	if len(e.Attachments) == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v; attached now: %s", e.Err, describe(e.Attachments))
}

// Unwrap returns the kernel's refusal.
func (e *OccupiedError) Unwrap() error { return e.Err }

// AmbiguousError says that a detach does not name one of several programs.
type AmbiguousError struct {
	Device      string        // its name
	Attachments []*Attachment // that it could mean
}

func (e *AmbiguousError) Error() string {
	return "several programs are attached: " + describe(e.Attachments)
}

func describe(all []*Attachment) string {
	var words []string
	for _, a := range all {
		s := "classic bytecode"
		if a.Program.ID != 0 {
			s = fmt.Sprintf("program id %d", a.Program.ID)
		}
		if a.Program.Name != "" {
			s += " name " + a.Program.Name
		}
		switch {
		case a.Filter != nil:
			s = fmt.Sprintf("pref %d handle %#x chain %d (", a.Filter.Pref, a.Filter.Handle, a.Filter.Chain) + s
		case a.Multi != nil:
			s += " (" + a.Multi.Hook
		default:
			s += " (" + a.Mode.String()
		}
		if a.Link != nil {
			s += fmt.Sprintf(", held by bpf_link id %d", a.Link.ID)
		}
		words = append(words, s+")")
	}
	return strings.Join(words, " and ")
}
