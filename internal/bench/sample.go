package main

import (
	"slices"
)

// A metric is something that a run takes.
type metric int

const (
	wall   metric = iota // seconds from fork to exit
	cpu                  // seconds of user and system time
	memory               // bytes, the peak of what is resident
	faults               // page faults
	metrics
)

func (m metric) String() string {
	return [metrics]string{"wall", "cpu", "memory", "faults"}[m]
}

// A sample is what one run took.
type sample [metrics]float64

// A spread sums up what the runs of one contestant took, in one metric.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) spread {
	return spread{median(values), slices.Min(values), slices.Max(values)}
}

// median of one value or more.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

func column(samples []sample, m metric) []float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s[m]
	}
	return values
}

// pairRatio is the median of the ratios of runs that were neighbours.
func pairRatio(ours, theirs []sample, m metric) float64 {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i][m] / theirs[i][m]
	}
	return median(ratios)
}
