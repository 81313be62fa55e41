// Package attach puts programs on the hooks of network devices, takes them off and
// lists them: XDP, the filters of clsact and other qdiscs, tcx and netkit.
//
// Everything that changes a hook is a [Plan], and [Apply] carries out one plan or
// thousands, for every hook by the same stages: look, load, keep, publish, put,
// confirm, commit, or undo in reverse.
package attach
