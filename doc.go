// Package xdpload loads programs from a BPF object into the kernel and
// attaches them to network hooks.
//
// The main job is a straight line: [elf.Open] reads the object, a [Plan] says on which
// [attach.Hook] its program shall run, and [Attach] has the kernel create the maps,
// verify the programs and run the one that was chosen. [Apply] does so for many
// plans. A failure leaves nothing of its own behind: no program, no map, no
// attachment. [load.Load] is the first half alone.
//
// What the kernel says is never lost: its extended acknowledgement is in a
// [netlink.Error], its verifier log in an [ebpf.VerifierError].
package xdpload
