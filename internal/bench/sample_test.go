package main

import "testing"

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"one", []float64{3}, 3},
		{"odd", []float64{9, 1, 2}, 2},
		{"even", []float64{9, 1, 2, 4}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := median(tt.values); got != tt.want {
				t.Errorf("median(%v) = %v, want %v", tt.values, got, tt.want)
			}
		})
	}
}

// A machine that is twice as slow for a while is slow for both neighbours.
func TestPairRatio(t *testing.T) {
	ours := []sample{{wall: 2}, {wall: 4}, {wall: 40}, {wall: 2}, {wall: 2}}
	theirs := []sample{{wall: 4}, {wall: 8}, {wall: 80}, {wall: 1}, {wall: 4}}
	if got := pairRatio(ours, theirs, wall); got != 0.5 {
		t.Errorf("pairRatio = %v, want 0.5", got)
	}
}

func TestSpread(t *testing.T) {
	got := spreadOf(column([]sample{{faults: 7}, {faults: 5}, {faults: 30}}, faults))
	if want := (spread{Median: 7, Min: 5, Max: 30}); got != want {
		t.Errorf("spreadOf = %+v, want %+v", got, want)
	}
}
