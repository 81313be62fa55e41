package check

import (
	"errors"
	"slices"
)

// LibbpfSections are the names that libbpf 1.1 knows.
func LibbpfSections() []string { return libbpfSections[:] }

// RefusedBy returns why a loader cannot load the object.
func (r *Report) RefusedBy(l Loader) []Refuse {
	var out []Refuse
	for _, f := range r.Refused {
		if f.Loader == l {
			out = append(out, f)
		}
	}
	return out
}

// Sorted says whether the tables are as their search needs them.
func Sorted() error {
	if !slices.IsSorted(gplHelpers[:]) {
		return errors.New("gplHelpers")
	}
	return nil
}
