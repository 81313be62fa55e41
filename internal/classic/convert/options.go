package convert

// Hook is where a program runs.
type Hook uint8

// The hooks.
const (
	XDP Hook = iota
	TC       // clsact and tcx
)

// String returns the hook's name.
func (h Hook) String() string {
	if h == TC {
		return "tc"
	}
	return "XDP"
}

// A Verdict is what a program of a hook returns: XDP_ and TC_ACT_ of linux/bpf.h
// and linux/pkt_cls.h.
type Verdict int32

// The verdicts.
const (
	XDPDrop Verdict = 1
	XDPPass Verdict = 2
	TCNext  Verdict = -1 // TC_ACT_UNSPEC: go on to the next filter
	TCPass  Verdict = 0  // TC_ACT_OK
	TCDrop  Verdict = 2  // TC_ACT_SHOT
)

// Options say what a program does.
type Options struct {
	Hook Hook
	// Match is returned for a packet that the filter accepts, Rest for others.
	Match, Rest Verdict
	// Name is that of the program; empty is "classic_filter".
	Name string
}

// section is where loaders look for a program of the hook, without being told.
func (h Hook) section() string {
	if h == TC {
		return "classifier"
	}
	return "xdp"
}
