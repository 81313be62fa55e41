package progcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
)

// jitReport is how programs are compiled.
type jitReport struct {
	Settings []jitState `json:"settings"`
	Programs int        `json:"programs,omitempty"`    // that are compiled
	Size     int        `json:"bytes_jited,omitempty"` // of their machine code
}

// jitState is a setting and what it means. Value is nil when this user may not
// read it.
type jitState struct {
	Name     string `json:"name"` // of sysctl(8)
	Value    *int64 `json:"value"`
	Previous *int64 `json:"previous,omitempty"`
	Meaning  string `json:"meaning"`
}

func (s *jitSetting) state(value int64) jitState {
	return jitState{Name: "net.core.bpf_jit_" + s.Name, Value: &value, Meaning: s.meaning(value)}
}

// tellJIT reads all settings; those that an older kernel lacks are left out.
func tellJIT(dir string) (*jitReport, error) {
	out := &jitReport{}
	var missing error
	for i := range jitSettings {
		s := &jitSettings[i]
		value, err := s.read(dir)
		switch {
		case errors.Is(err, fs.ErrPermission):
			out.Settings = append(out.Settings, jitState{Name: s.state(0).Name, Meaning: "for root to read"})
		case errors.Is(err, fs.ErrNotExist):
			missing = err
		case err != nil:
			return nil, err
		default:
			out.Settings = append(out.Settings, s.state(value))
		}
	}
	if len(out.Settings) == 0 {
		return nil, missing
	}
	for p, err := range subject.LoadedPrograms() {
		if err != nil { // only for CAP_SYS_ADMIN
			break
		}
		if p.JITed {
			out.Programs++
			out.Size += p.JITedSize
		}
	}
	return out, nil
}

// setJIT sets one setting and tells what it is then.
func setJIT(dir string, s *jitSetting, value int64) (*jitReport, error) {
	before, err := s.read(dir)
	if err == nil {
		err = s.write(dir, value)
	}
	if err != nil {
		return nil, fmt.Errorf("net.core.bpf_jit_%s: %w", s.Name, err)
	}
	now, err := s.read(dir)
	state := s.state(now)
	state.Previous = &before
	return &jitReport{Settings: []jitState{state}}, err
}

// WriteText prints a line for each setting.
func (r *jitReport) WriteText(t *render.Text, o render.Options) {
	table := &render.Table{Right: []int{1}}
	for _, s := range r.Settings {
		value, meaning := "-", s.Meaning
		if s.Value != nil {
			value = strconv.FormatInt(*s.Value, 10)
		}
		if s.Previous != nil {
			meaning += fmt.Sprintf(" (was %d)", *s.Previous)
		}
		table.Row(s.Name, value, meaning)
	}
	table.WriteText(t, o)
	t.If(r.Programs > 0, "%s, %s of machine code\n", subject.Count(r.Programs, "compiled program"), render.Bytes(uint64(r.Size)))
}
