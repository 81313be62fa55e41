package subject

import (
	"math"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// LinkRef names one bpf_link.
type LinkRef struct {
	ID     uint32
	Pinned string
}

// Grammar is the alternatives that name a bpf_link.
func (r *LinkRef) Grammar() *grammar.Node {
	id, path := grammar.Number(&r.ID, 1, math.MaxUint32), grammar.String(&r.Pinned)
	return grammar.Alt(
		grammar.Key("id", "N", id).Help("the bpf_link with this id"),
		grammar.Key("pinned", "PATH", path).Completes(grammar.Pinned).Help("the bpf_link that is pinned at this path"),
		grammar.Value("PATH", path).Accept(LooksLikePath).Completes(grammar.Pinned).Help("the same"),
		grammar.Value("N", id).Help("the bpf_link with this id"),
	).Named("LINK")
}

// Open opens the bpf_link. The caller closes it.
func (r *LinkRef) Open(e *env.Env) (*attach.Link, error) {
	if r.Pinned != "" {
		return attach.OpenLink(attach.PinnedAt(PinPath(e, r.Pinned)))
	}
	return attach.OpenLink(attach.LinkID(r.ID))
}
