package main

import (
	"slices"
	"testing"
)

// TestGenerations: the newest release of a peer does the same work, under the same goals.
func TestGenerations(t *testing.T) {
	l := &lab{newest: map[string]string{"ip": "ip 7.3.0"}}
	all := l.generations([]contestant{command("xdpload link"), command("ip link show"), command("floor link")})
	var tools []string
	for _, who := range all {
		tools = append(tools, who.tool())
	}
	if want := []string{"xdpload", "ip", "ip 7.3.0", "floor"}; !slices.Equal(tools, want) {
		t.Errorf("%q, want %q", tools, want)
	}
	if got := all[1].argv; !slices.Equal(got, []string{"ip", "link", "show"}) || !slices.Equal(all[2].argv[1:], got[1:]) {
		t.Errorf("%q and %q", got, all[2].argv)
	}
	samples := make([][]sample, len(all))
	for i := range samples {
		samples[i] = []sample{{wall: float64(1 + i), cpu: 1, memory: 1}}
	}
	r := newResult(testCase{goals: []goal{{wall, "ip", 0.4}}}, all, samples)
	if len(r.Goals) != 2 || r.Goals[0].Peer != "ip" || r.Goals[0].Met || r.Goals[1].Peer != "ip 7.3.0" || !r.Goals[1].Met {
		t.Errorf("goals: %+v", r.Goals)
	}
}
