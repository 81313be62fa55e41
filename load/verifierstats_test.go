package load

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseStats(t *testing.T) {
	for _, tt := range []struct {
		name string
		log  []string
		want VerifierStats
	}{
		{name: "nothing"},
		{
			name: "Linux 6.18",
			log: []string{
				"0: (b7) r0 = 2", "verification time 345 usec", "stack depth 48+0+16",
				"processed 155742 insns (limit 1000000) max_states_per_insn 15 total_states 6421 peak_states 477 mark_read 12", "",
			},
			want: VerifierStats{
				Time: 345 * time.Microsecond, Instructions: 155742, Limit: 1000000,
				States: 6421, Peak: 477, StatesPerInstruction: 15, Stack: "48+0+16",
			},
		},
		{
			name: "level 1 only",
			log:  []string{"processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0"},
			want: VerifierStats{Instructions: 2, Limit: 1000000},
		},
		{
			name: "before Linux 5.2",
			log:  []string{"processed 12 insns (limit 131072), stack depth 8"},
			want: VerifierStats{Instructions: 12, Limit: 131072},
		},
		{name: "other words", log: []string{"processed many insns (limit none) total_states", "verification time", "stack depth"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parseStats(tt.log)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
