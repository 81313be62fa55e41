package netcmd

import (
	"fmt"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
)

// lossReport is packets that were lost in one way.
type lossReport struct {
	Time    string                 `json:"time,omitempty"` // RFC 3339
	Event   string                 `json:"event"`          // "verdict", "redirect", "transmit", "tx", "cpu"
	Ifindex int                    `json:"ifindex,omitempty"`
	Device  string                 `json:"device,omitempty"`
	Program *subject.ProgramReport `json:"prog,omitempty"`
	Verdict string                 `json:"verdict,omitempty"`
	Errno   string                 `json:"errno,omitempty"`
	Message string                 `json:"message,omitempty"` // of the error number
	Map     *lossMap               `json:"entry,omitempty"`
	Target  *lossTarget            `json:"to,omitempty"`
	Packets uint64                 `json:"packets"`
	Cause   string                 `json:"cause,omitempty"`

	loss loss
}

// lossMap is the entry of a map to which packets were to go.
type lossMap struct {
	ID    uint32 `json:"id"`
	Name  string `json:"name,omitempty"`
	Type  string `json:"type,omitempty"`
	Index uint32 `json:"index"` // a CPU, of a map of CPUs
}

// lossTarget is the device that packets were to leave by.
type lossTarget struct {
	Ifindex int    `json:"ifindex"`
	Device  string `json:"device,omitempty"`
}

func (t *lossTarget) String() string {
	if t.Device != "" {
		return t.Device
	}
	return fmt.Sprintf("ifindex %d", t.Ifindex)
}

// WriteText prints a line.
func (r *lossReport) WriteText(t *render.Text, _ render.Options) {
	if at, err := time.Parse(time.RFC3339Nano, r.Time); err == nil {
		t.WriteString(at.Format("15:04:05.000 "))
	}
	switch {
	case r.Device != "":
		t.Printf("%s: ", r.Device)
	case r.Ifindex != 0:
		t.Printf("ifindex %d: ", r.Ifindex)
	}
	t.If(r.Program != nil, "program %v: ", r.Program)
	t.Printf("%s lost: %s", subject.Count(int(r.Packets), "packet"), r.what())
	t.If(r.Cause != "", ": %s", r.Cause)
	t.WriteByte('\n')
}

// what is where the packets were lost.
func (r *lossReport) what() string {
	target := ""
	switch {
	case r.Target != nil:
		target = " to " + r.Target.String()
	case r.Map != nil && r.loss.Event >= lostEnqueue:
		target = fmt.Sprintf(" to CPU %d, of map id %d name %s", r.Map.Index, r.Map.ID, r.Map.Name)
	case r.Map != nil:
		target = fmt.Sprintf(" to entry %d of map id %d name %s", r.Map.Index, r.Map.ID, r.Map.Name)
	}
	switch r.loss.Event {
	case lostException:
		return r.Verdict
	case lostRedirect:
		return "redirect" + target + r.message()
	case lostXmit:
		return "redirected" + target + r.message()
	case lostTX:
		return "XDP_TX" + r.message()
	default:
		return "redirected" + target
	}
}

func (r *lossReport) message() string {
	if r.Message == "" {
		return ""
	}
	return ": " + r.Message
}

// lossSummary is what is told at the end.
type lossSummary struct {
	Seconds float64       `json:"seconds"`
	Losses  []*lossReport `json:"losses"` // the most first
	Others  uint64        `json:"others,omitempty"`
}

// WriteText prints a line for each way in which packets were lost.
func (s *lossSummary) WriteText(t *render.Text, o render.Options) {
	if len(s.Losses) == 0 {
		t.Printf("no packet was lost in %.2f s\n", s.Seconds)
		return
	}
	t.Printf("in %.2f s:\n", s.Seconds)
	for _, l := range s.Losses {
		t.WriteString("  ")
		l.WriteText(t, o)
	}
	t.If(s.Others > 0, "  %s lost in more ways than were told apart\n", subject.Count(int(s.Others), "packet"))
}
