// Package xdpload loads programs from a BPF object into the kernel and
// attaches them to network hooks.
//
// The main job is a straight line: [elf.Open] reads the object, [load.Load] has the
// kernel create the maps and verify the programs, [Attach] puts a program on a
// [attach.Hook]. Each step takes the value of the step before, and a failure leaves
// nothing of its own behind: no program, no map, no attachment.
//
// What the kernel says is never lost: its extended acknowledgement is in a
// [netlink.Error], its verifier log in an [ebpf.VerifierError].
package xdpload
