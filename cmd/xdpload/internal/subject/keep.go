package subject

import (
	"errors"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// KeepGrammar is the word keep and the path at which a program is pinned that goes.
func KeepGrammar(path *string) *grammar.Node {
	return grammar.Key("keep", "PATH", grammar.String(path)).Exact().Completes(grammar.File).
		Help("pin the program that is replaced or detached at this path; the command that puts it back is printed")
}

// CheckKeep refuses to keep what a line does not replace.
func CheckKeep(path string, replaces bool, how string) error {
	if path != "" && !replaces {
		return errors.New("keep is about the program that is replaced, and this replaces none: " + how)
	}
	return nil
}

// Kept is a program that was replaced, and pinned for that.
type Kept struct {
	Pinned  string `json:"pinned"`            // the path
	Restore string `json:"restore,omitempty"` // the command that puts it back, for a shell; not for a filter that had actions
}

// ReportKept reports on what was kept, nil for nothing. The words are those of the command
// that puts it back, nil for none.
func ReportKept(e *env.Env, a *attach.Attachment, words func(path string) []string) *Kept {
	if a.Kept == "" {
		return nil
	}
	k := &Kept{Pinned: a.Kept}
	if back := words(a.Kept); back != nil {
		k.Restore = e.Here(render.Shell(append([]string{"xdpload"}, back...)...))
	}
	return k
}

// WriteText prints the command.
func (k *Kept) WriteText(t *render.Text, _ render.Options) {
	if k != nil && k.Restore != "" {
		t.Printf("    to put it back: %s\n", render.Line(k.Restore))
	}
}

func (k *Kept) String() string { return "kept at " + k.Pinned }
