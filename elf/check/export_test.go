package check

import (
	"errors"
	"slices"
)

// LibbpfSections are the names that libbpf 1.1 knows.
func LibbpfSections() []string { return libbpfSections[:] }

// numbered is a table of ages by number, without the gaps.
func numbered(table []Kernel) map[uint64]Kernel {
	ages := make(map[uint64]Kernel)
	for n, k := range table {
		if k != (Kernel{}) {
			ages[uint64(n)] = k
		}
	}
	return ages
}

// MapTypes and the following are the tables.
func MapTypes() map[uint64]Kernel { return numbered(mapTypes[:]) }

func ProgramTypes() map[uint64]Kernel { return numbered(programTypes[:]) }

func Helpers() map[uint64]Kernel {
	ages := make(map[uint64]Kernel)
	for n := range helperAges {
		if k, ok := Helper(int32(n)); ok {
			ages[uint64(n)] = k
		}
	}
	return ages
}

func MapFlags() map[uint64]Kernel {
	ages := make(map[uint64]Kernel)
	for bit, f := range mapFlags {
		ages[1<<bit] = f.kernel
	}
	return ages
}

func AttachTypes() map[uint64]Kernel {
	ages := make(map[uint64]Kernel)
	for _, a := range attachTypes {
		for _, t := range a.types {
			ages[uint64(t)] = a.kernel
		}
	}
	return ages
}

func KernelFunctions() map[string]Kernel {
	ages := make(map[string]Kernel)
	for _, age := range kernelFunctions {
		for _, name := range age.names {
			ages[name] = age.kernel
		}
	}
	return ages
}

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
